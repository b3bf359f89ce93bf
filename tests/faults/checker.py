"""Reads a history and the stores at rest, and says what was promised and did not hold."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from pathlib import Path

from faults.history import History, Posted, Reading, Seen
from faults.rest import Message, Rest, Segment, Turn
from neo.events.entry import Position, since_cursor

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "errors.md").read_text()
TERMINAL_OF = {"COMPLETED": "finish", "FAILED": "error", "CANCELLED": "abort"}
TERMINALS = frozenset(TERMINAL_OF.values())
BEGINNINGS = ("start", "data-stream-reset")


def problems(history: History, rest: Rest) -> list[str]:
    """What did not hold; empty when everything did."""
    return [
        *_accepted(history, rest),
        *_repeats(history, rest),
        *_endings(rest),
        *_segments(rest),
        *_order(rest),
        *_calls(rest),
        *_streams(rest),
        *_answers(history),
        *(problem for reading in history.readings for problem in _reading(reading, rest)),
    ]


def _accepted(history: History, rest: Rest) -> Iterator[str]:
    """Everything that was answered with 202 is stored, with its turn."""
    said = {message.id: message.text for message in rest.messages}
    for post in history.accepted:
        turn = rest.turn(str(post.turn_id))
        if turn is None:
            yield f"turn {post.turn_id} was accepted and is not there"
        elif said.get(turn.user_message_id) != post.message:
            yield f"the message of turn {turn.id} is not what was posted"
        elif post.answered.data["since_cursor"] != since_cursor(turn.turn_no):
            yield f"the cursor of turn {turn.id} is not its own"


def _repeats(history: History, rest: Rest) -> Iterator[str]:
    """One turn for each (session, client_message_id), and every answer names it."""
    named = Counter(
        (message.session_id, message.client_message_id)
        for message in rest.messages
        if message.client_message_id is not None
    )
    yield from (f"{name} has {count} turns" for name, count in named.items() if count > 1)
    told: dict[tuple[str, str], set[str]] = {}
    for post in history.posts:
        if post.client_message_id is not None and post.turn_id is not None:
            told.setdefault((post.session_id, post.client_message_id), set()).add(post.turn_id)
    yield from (f"{name} was told of {len(turns)} turns" for name, turns in told.items() if len(turns) > 1)
    yield from (f"{name} was accepted twice" for name, count in _times_accepted(history) if count > 1)


def _times_accepted(history: History) -> Iterable[tuple[tuple[str, str | None], int]]:
    def name(post: Posted) -> tuple[str, str | None]:
        return post.session_id, post.client_message_id

    return Counter(name(post) for post in history.accepted if post.client_message_id).items()


def _endings(rest: Rest) -> Iterator[str]:
    """Every turn has ended, and has one reply at most."""
    replies = Counter(message.turn_id for message in rest.messages if message.role == "assistant")
    for turn in rest.turns:
        if turn.status not in TERMINAL_OF:
            yield f"turn {turn.id} is stuck: {turn.status}"
        elif turn.ended_at is None:
            yield f"turn {turn.id} has ended at no time"
        if replies[turn.id] > 1:
            yield f"turn {turn.id} has {replies[turn.id]} replies"
        if turn.status == "COMPLETED" and not replies[turn.id]:
            yield f"turn {turn.id} is completed and has no reply"
        if turn.status == "FAILED" and not turn.error_code:
            yield f"turn {turn.id} failed without a code"


def _segments(rest: Rest) -> Iterator[str]:
    """What is settled is numbered without holes, and is the reply, whole."""
    replies = {message.turn_id: message.text for message in rest.messages if message.role == "assistant"}
    for turn in rest.turns:
        settled = rest.settled(turn.id)
        if list(settled) != list(range(1, len(settled) + 1)):
            yield f"turn {turn.id} has settled {list(settled)}"
        if turn.ended_at is not None and replies.get(turn.id, "") != "".join(
            row.text for row in settled.values()
        ):
            yield f"turn {turn.id} has another reply than what it has settled"


def _order(rest: Rest) -> Iterator[str]:
    """The turns of a session are numbered without holes, and run one after the other."""
    for session_id, found in groupby(rest.turns, key=lambda turn: turn.session_id):
        turns = list(found)
        if [turn.turn_no for turn in turns] != list(range(1, len(turns) + 1)):
            yield f"session {session_id} has a hole among its turns"
        ran = [turn for turn in turns if turn.started_at is not None]
        for before, after in pairwise(ran):
            if _overlap(before, after):
                yield f"turn {after.id} began before turn {before.id} had ended"


def _overlap(before: Turn, after: Turn) -> bool:
    return before.ended_at is None or after.started_at is None or after.started_at < before.ended_at


def _calls(rest: Rest) -> Iterator[str]:
    """A model is asked once for each claim of a segment: never again for one that is settled."""
    asked = {message.id: message.text for message in rest.messages}
    alike = Counter(asked[turn.user_message_id] for turn in rest.turns if turn.user_message_id in asked)
    for turn in rest.turns:
        words = asked.get(turn.user_message_id, "")
        models = [row for row in rest.settled(turn.id).values() if row.kind == "MODEL"]
        claims = turn.claim * (turn.status != "COMPLETED") + sum(row.claim for row in models)
        if alike[words] == 1 and rest.calls.get(words, 0) > claims:
            yield f"turn {turn.id} asked {rest.calls[words]} times under {claims} claims"


def _streams(rest: Rest) -> Iterator[str]:
    """What is kept of a turn ends with its terminal, and of a settled segment with the claim that settled it."""
    turns = {(turn.session_id, turn.turn_no): turn for turn in rest.turns}
    for session_id, kept in rest.streams.items():
        ended: set[int] = set()
        for one in kept:
            at = one.position
            if at.turn in ended:
                yield f"session {session_id} keeps {at} after the end of its turn"
            if one.chunk["type"] in TERMINALS:
                ended.add(at.turn)
            if (turn := turns.get((session_id, at.turn))) is not None:
                row = rest.settled(turn.id).get(at.segment)
                if row is not None and at.claim > row.claim:
                    yield f"session {session_id} keeps {tuple(at)}, but {row} was settled"


def _answers(history: History) -> Iterator[str]:
    """Every refusal has a documented code, and the id by which it is found in a log."""
    for answer in history.answers:
        if answer.status == 0 or answer.status < 400:
            continue
        if f"`{answer.code}`" not in PAGE:
            yield f"{answer.method} {answer.path} was {answer.status} with the code {answer.code}"
        if not answer.request_id or answer.request_id != answer.body.get("meta", {}).get("request_id"):
            yield f"{answer.method} {answer.path} was {answer.status} without one request id"
        if answer.status == 500:
            yield f"{answer.method} {answer.path} was a 500"


def _reading(reading: Reading, rest: Rest) -> Iterator[str]:
    turns = {turn.turn_no: turn for turn in rest.turns if turn.session_id == reading.session_id}
    yield from _contiguous(reading, {no: rest.settled(turn.id) for no, turn in turns.items()})
    replies = {message.turn_id: message for message in rest.messages if message.role == "assistant"}
    for turn_no, events in _by_turn(reading):
        turn = turns.get(turn_no)
        if turn is None:
            yield f"a reader of {reading.session_id} saw turn {turn_no}, which is not there"
        else:
            yield from _told(turn, replies.get(turn.id), events)


def _contiguous(reading: Reading, settled: dict[int, dict[int, Segment]]) -> Iterator[str]:
    """Without a reset nothing is missing, and nothing comes twice."""
    who = f"a reader of {reading.session_id}"
    at = Position.of_id(reading.since) if reading.since else None
    is_reset, is_done = at is None, False
    for event in reading.seen:
        if event.type == "data-stream-reset":
            is_reset = True
            continue
        if event.id is None:
            yield f"{who} had a {event.type} without an id of its own after {at}"
            continue
        position = Position.of_id(event.id)
        if is_reset:
            # After a reset, as at the beginning, a turn is told from its start.
            if not position.is_first:
                yield f"{who} was reset and went on at {tuple(position)}"
        elif at is not None and not _follows(position, at, settled.get(at.turn, {}), is_done=is_done):
            yield f"{who} had {tuple(at)} and then {tuple(position)}"
        at, is_reset, is_done = position, False, event.type in TERMINALS


def _follows(position: Position, at: Position, settled: dict[int, Segment], *, is_done: bool) -> bool:
    if position.comes_right_after(at):
        return not is_done
    if not position.is_first or position <= at:
        return False
    if is_done or position.turn != at.turn:
        return is_done and position.turn == at.turn + 1
    row = settled.get(at.segment)
    if position.segment == at.segment:
        # A newer claim begins the segment anew, up to the one that settled it.
        return row is None or position.claim <= row.claim
    is_end = row is None or at.is_replayed or (at.claim, at.n) == (row.claim, row.last_n)
    return position.segment == at.segment + 1 and is_end


def _by_turn(reading: Reading) -> Iterator[tuple[int, list[Seen]]]:
    """The reader's events by turn; what has no id is of the turn that it names, or of the one before it."""
    found: dict[int, list[Seen]] = {}
    turn_no = Position.of_id(reading.since).turn if reading.since else 0
    for event in reading.seen:
        if event.id is not None:
            turn_no = Position.of_id(event.id).turn
        elif event.type == "data-stream-reset":
            turn_no = event.chunk["data"]["turn_no"]
        if turn_no:
            found.setdefault(turn_no, []).append(event)
    yield from found.items()


def _told(turn: Turn, reply: Message | None, events: list[Seen]) -> Iterator[str]:
    """One end, which is the turn's; and the words before it are those that are stored."""
    ends = [event.type for event in events if event.type in TERMINALS]
    if len(ends) > 1:
        yield f"turn {turn.id} was told {len(ends)} ends: {ends}"
    if not ends:
        return
    if events[-1].type not in TERMINALS:
        yield f"turn {turn.id} went on after its end with {events[-1].type}"
    if ends[0] != TERMINAL_OF.get(turn.status):
        yield f"turn {turn.id} is {turn.status} and was told as {ends[0]}"
    words, stored = _words(events), reply.text if reply else ""
    # Of what was not settled with the end, readers may have seen more.
    is_whole = turn.status != "FAILED" and not turn.ends_unwritten
    if words is not None and not (words == stored if is_whole else words.startswith(stored)):
        yield f"turn {turn.id} was told other words than are stored"


def _words(events: list[Seen]) -> str | None:
    """What a reader who keeps the rules ends up with; None for one who came in the middle."""
    steps: list[str] | None = None
    for event in events:
        if event.type in BEGINNINGS:
            steps = []
        elif steps is None:
            continue
        elif event.type == "data-turn-restarted":
            del steps[event.chunk["data"]["step"] - 1 :]
        elif event.type == "start-step":
            steps.append("")
        elif event.type == "text-delta":
            steps[-1] += event.chunk["delta"]
    return None if steps is None else "".join(steps)
