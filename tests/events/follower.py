"""A reader that checks each event that it gets against what PostgreSQL has settled."""

import random

from events.client import RESET, Client, Fold
from events.ledger import Turn
from events.stage import Session
from neo.events import Position, Subscription, parse_cursor
from neo.tails.tail import Tail
from neo.tails.turn_status import Opening


class Follower:
    """A client that keeps what it got, cuts the connection when it likes, and resumes where it was, or had been."""

    def __init__(self, session: Session, cursor: str | None, *, follow: bool = False) -> None:
        self.session = session
        self.cursor = cursor
        self.follow = follow
        self.client = Client()
        self.fold = Fold()
        self.checked = 0
        self.ended: set[int] = set()
        # The turn that was waiting when the last response ended for that.
        self.waited_at: Position | None = None
        self.tail: Tail | None = None
        self.subscription: Subscription | None = None
        self.opening: Opening | None = None
        self._earlier: list[tuple[str | None, Fold, set[int]]] = []

    async def ask(self) -> None:
        """Subscribe and look at the session, as a request does before its tail begins."""
        while True:
            self.subscription = await self.session.events.subscriptions.subscribe(self.session.id)
            if self.subscription.was_confirmed:
                break
            # A busy machine takes longer to confirm it than a request would wait.
            self.subscription.close()
        self.opening = Opening(await self.session.ledger.newest())

    async def resume(self) -> bool:
        """Ask again from the last id; false when there is nothing to come (204)."""
        if self.opening is None:
            await self.ask()
        opening, self.opening = self.opening, None
        assert opening is not None
        self.tail = await self.session.tail(
            self.cursor, subscription=self.subscription, opening=opening, follow=self.follow
        )
        if await self.tail.is_over(opening.newest):
            assert not any(turn.is_open for turn in self.session.ledger.turns.values()), (
                "204 while a turn is open"
            )
            await self.cut()
            return False
        return True

    async def cut(self) -> None:
        if self.subscription is not None:
            self.subscription.close()
        self.tail = self.subscription = self.opening = None

    async def go_back(self, chance: random.Random) -> None:
        """Resume from an earlier event, with what the client had then."""
        await self.cut()
        if self._earlier:
            index = chance.randrange(len(self._earlier))
            self.cursor, fold, ended = self._earlier[index]
            self.fold, self.ended = fold.copied(), set(ended)
            del self._earlier[index + 1 :]

    async def step(self, *, frames_taken: int | None = None, looks: bool = False) -> None:
        """One round of the tail; a client that takes fewer frames than there are has cut the connection there."""
        self.waited_at = None
        if self.tail is None and not await self.resume():
            return
        assert self.tail is not None
        if looks:
            self.tail._look()
        await self.tail.advance()
        reader = self.tail._reader
        frames = reader.take_frames()
        for frame in frames[:frames_taken]:
            self.client.take(frame)
        self.check()
        is_cut = frames_taken is not None and frames_taken < len(frames)
        if reader.is_over and not is_cut:
            self.check_over()
        if reader.is_over or is_cut:
            await self.cut()

    def check(self) -> None:
        for event in self.client.received[self.checked :]:
            self.checked += 1
            assert event.id is not None
            position = parse_cursor(event.id)
            if event.type == RESET:
                assert position is None or position.n == 0
                self.fold.take(event.chunk)
            else:
                assert position is not None
                self.check_order(position)
                self.check_content(position, event.chunk)
            self.cursor = event.id
            self._earlier.append((self.cursor, self.fold.copied(), set(self.ended)))

    def check_order(self, position: Position) -> None:
        before = None if self.cursor is None else parse_cursor(self.cursor)
        if before is None:
            assert position.n == 1, (before, position)
            return
        assert position > before, (before, position)
        if position != before.following:
            assert position.n == 1, (before, position)
            is_next_turn = position.turn == before.turn + 1 and (before.turn in self.ended or before.n == 0)
            assert position.turn == before.turn or is_next_turn, (before, position)

    def check_content(self, position: Position, chunk: dict[str, object]) -> None:
        turn = self.session.ledger.turns[position.turn]
        kind = chunk["type"]
        if kind == "text-delta":
            assert chunk["id"] in self.fold._part_ids, "a delta of no part"
        before = parse_cursor(self.cursor) if self.cursor is not None else None
        if before is None or before.turn != position.turn:
            # A turn that never ran has its terminal alone.
            self.fold = Fold()
        is_anew = before is not None and before[:2] == position[:2]
        if kind == "start-step" or (
            position.n == 1 and kind in ("message-metadata", "finish-step") and not is_anew
        ):
            # Everything before a segment is settled, and whole.
            assert self.fold.items == settled_before(turn, position.segment), (position, self.fold.items)
        self.fold.take(chunk)
        if kind == "data-turn-waiting":
            assert self.fold.items == settled_before(turn, position.segment + 1), (position, self.fold.items)
            assert chunk["data"] == {"cursor": str(turn_end(turn, position.segment))}
        elif kind in ("finish", "error", "abort"):
            self.check_end(turn, position)

    def check_end(self, turn: Turn, position: Position) -> None:
        assert not turn.is_open
        wholes = [turn.items]
        if kind_of_end(turn) == "error" and not position.is_replayed:
            wholes = [turn.items + turn.unsettled]
        assert self.fold.items in wholes, (position, self.fold.items, wholes)
        assert turn.turn_no not in self.ended
        self.ended.add(turn.turn_no)

    def check_over(self) -> None:
        position = parse_cursor(self.cursor) if self.cursor is not None else None
        assert position is not None
        if position.turn in self.ended:
            return
        turn = self.session.ledger.turns[position.turn]
        assert not self.follow
        assert turn.is_waiting, "over, and the turn goes on"
        assert turn.rows[-1].segment == position.segment
        assert self.fold.items == turn.items
        self.waited_at = position


def kind_of_end(turn: Turn) -> str:
    return turn.terminal.type


def turn_end(turn: Turn, segment: int) -> Position:
    (row,) = [row for row in turn.rows if row.segment == segment]
    return Position(turn.turn_no, row.segment, row.claim, row.last_n)


def settled_before(turn: Turn, segment: int) -> list[tuple[str, ...]]:
    return [item for row in turn.rows if row.segment < segment for item in row.items]
