"""Who drives a turn, word by word and segment by segment."""

from typing import TYPE_CHECKING

from events.client import PATIENCE_SECONDS
from events.ledger import Claimer, Row, Turn
from neo.events import Chunk, Position, SegmentWriter, envelope

if TYPE_CHECKING:
    from events.stage import Session


class Speaker:
    """Claims the turn's first unsettled segment, and goes on with those that follow."""

    def __init__(self, session: "Session", turn: Turn) -> None:
        self.session = session
        self.turn = turn
        self.owner = session.ledger.take(turn)
        self.words: list[str] = []
        self._part = ""
        self.writer = self._writer()

    @property
    def text(self) -> str:
        return self.turn.text + "".join(self.words)

    @property
    def items(self) -> list[tuple[str, ...]]:
        """What a client is to hold of the segment that is written now."""
        if self.turn.is_calls:
            return [("call", *outcome) for outcome in self.turn.outcomes]
        return [("step",), ("text", "".join(self.words))]

    async def open(self) -> None:
        await self.writer.open()
        if self.turn.is_calls:
            for outcome in self.turn.outcomes:
                self.writer.write(envelope.tool_output_available(*outcome))
            return
        if self.turn.segment == 1:
            self.writer.write(self._start())
        self.writer.write(envelope.start_step())
        self._part = self.writer.part_id("text")
        self.writer.write(envelope.text_start(self._part))

    def say(self, *words: str) -> None:
        for word in words:
            self.writer.write(envelope.text_delta(self._part, word))
            self.words.append(word)

    async def say_apart(self, *words: str) -> None:
        """Say each in an event of its own."""
        for word in words:
            self.say(word)
            assert await self.writer.flush(PATIENCE_SECONDS)

    def answer(self, call_id: str, outcome: str) -> None:
        """A call has its outcome, in a CALLS segment."""
        self.turn.outcomes.append((call_id, outcome))
        self.writer.write(envelope.tool_output_available(call_id, outcome))

    async def settle(
        self,
        *,
        is_calls: bool = False,
        waits: bool = False,
        dies: bool = False,
        is_silent: bool = False,
        flush_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Settle the segment and begin the next, which answers calls or is the model's; or wait for calls.

        Who dies does so right after the commit.
        """
        writer = self.writer
        row = await self._settled(flush_seconds, is_over=False, is_silent=is_silent)
        waiting = envelope.turn_waiting({"cursor": str(writer.position.following)}) if waits else None
        self.session.ledger.settle(self.turn, self.owner, writer.position, row, waiting)
        self.turn.is_calls = is_calls or waits
        self.words = []
        if waiting is not None and not dies:
            await writer.end(waiting)
        await writer.aclose()
        if waiting is None and not dies:
            await self.begin()

    async def begin(self) -> None:
        """Write the next segment, under the claim that settling gave."""
        self.writer = self._writer()
        await self.open()

    async def close(self, flush_seconds: float = PATIENCE_SECONDS) -> None:
        """End the turn in the ledger; its terminal is not in the stream yet."""
        row = await self._settled(flush_seconds, is_over=True)
        self.words = []
        self.session.ledger.end(self.turn, self.owner, self.writer.position, row)

    async def fail(self) -> bool:
        """End the turn without what was said in this segment."""
        self.turn.terminal = envelope.error("no")
        await self.writer.flush(PATIENCE_SECONDS)
        self.turn.unsettled = self.items
        self.session.ledger.end(self.turn, self.owner, self.writer.position, None)
        return await self.end()

    async def end(self) -> bool:
        try:
            return await self.writer.end(self.turn.terminal)
        finally:
            await self.writer.aclose()

    async def finish(self, flush_seconds: float = PATIENCE_SECONDS) -> bool:
        await self.close(flush_seconds)
        return await self.end()

    async def _settled(self, flush_seconds: float, *, is_over: bool, is_silent: bool = False) -> Row:
        if is_silent:
            # A claim that answers calls, and has nothing to say of any.
            assert self.turn.is_calls
            assert not self.turn.outcomes
            await self.writer.flush(flush_seconds)
            _, segment, claim, n = self.writer.position
            return Row(segment, claim, n, True, [envelope.message_metadata({})], [])
        if not self.turn.is_calls:
            self.writer.write(envelope.text_end(self._part))
        if self.turn.is_calls or is_over:
            self.writer.write(envelope.finish_step())
        await self.writer.flush(flush_seconds)
        _, segment, claim, n = self.writer.position
        return Row(segment, claim, n, self.turn.is_calls, self._replay(is_over=is_over), self.items)

    def _replay(self, *, is_over: bool) -> list[Chunk]:
        if self.turn.is_calls:
            outcomes = [envelope.tool_output_available(*outcome) for outcome in self.turn.outcomes]
            return [*outcomes, envelope.finish_step()]
        part = f"text-{self.turn.segment}-63-0"
        spoken = [
            envelope.start_step(),
            envelope.text_start(part),
            envelope.text_delta(part, "".join(self.words)),
            envelope.text_end(part),
        ]
        begins = [self._start()] if self.turn.segment == 1 else []
        return [*begins, *spoken, *([envelope.finish_step()] if is_over else [])]

    def _start(self) -> Chunk:
        return envelope.start(f"m{self.turn.turn_no}")

    def _writer(self) -> SegmentWriter:
        session, turn = self.session, self.turn
        self.is_calls = turn.is_calls
        return SegmentWriter(
            session.events,
            session.id,
            Position(turn.turn_no, turn.segment, turn.claim, 0),
            after=turn.after,
            next_claim=Claimer(session.ledger, turn, self.owner),
            step=turn.steps + 1,
        )
