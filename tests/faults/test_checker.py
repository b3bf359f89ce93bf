"""The checker sees what it is there to see: each of these histories has one bug, but the first."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from faults.checker import problems
from faults.history import Answered, History, Posted, Reading, Seen
from faults.rest import Kept, Message, Rest, Segment, Turn
from neo.events.entry import Position, since_cursor

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WORDS = ("one ", "two ", "three ")


@dataclass
class Found:
    history: History
    rest: Rest


def chunks(turn_no: int) -> list[dict[str, Any]]:
    return [
        {"type": "start", "messageId": f"reply-{turn_no}"},
        {"type": "start-step"},
        {"type": "text-start", "id": "t"},
        *({"type": "text-delta", "id": "t", "delta": word} for word in WORDS),
        {"type": "text-end", "id": "t"},
        {"type": "finish-step"},
        {"type": "finish", "finishReason": "stop"},
    ]


def told(turn_no: int, claim: int = 1) -> list[Seen]:
    return [
        Seen(float(n), str(Position(turn_no, 1, claim, n)), chunk)
        for n, chunk in enumerate(chunks(turn_no), start=1)
    ]


# Of these the second turn asks for a tool: a MODEL segment, a CALLS segment, and a MODEL segment.
CALLS_ROUND: list[list[dict[str, Any]]] = [
    [{"type": "start"}, {"type": "start-step"}, {"type": "text-delta", "id": "t", "delta": "one "}],
    [{"type": "tool-output-available"}, {"type": "finish-step"}],
    [
        {"type": "start-step"},
        *({"type": "text-delta", "id": "u", "delta": word} for word in WORDS[1:]),
        {"type": "finish-step"},
        {"type": "finish", "finishReason": "stop"},
    ],
]


def told_in_segments(turn_no: int) -> list[Seen]:
    return [
        Seen(float(n), str(Position(turn_no, segment, 1, n)), chunk)
        for segment, chunks in enumerate(CALLS_ROUND, start=1)
        for n, chunk in enumerate(chunks, start=1)
    ]


def settled(turn_no: int) -> list[Segment]:
    if turn_no == 1:
        return [Segment("turn-1", 1, "MODEL", 1, len(chunks(1)) - 1, "".join(WORDS))]
    return [
        Segment(f"turn-{turn_no}", 1, "MODEL", 1, 3, WORDS[0]),
        Segment(f"turn-{turn_no}", 2, "CALLS", 1, 2, ""),
        Segment(f"turn-{turn_no}", 3, "MODEL", 1, 4, "".join(WORDS[1:])),
    ]


def accepted(turn_no: int) -> Posted:
    data = {"chat_turn_id": f"turn-{turn_no}", "since_cursor": since_cursor(turn_no)}
    answered = Answered("POST", "/messages", 0.0, 0.1, 202, {"data": data, "meta": {"request_id": "r"}}, "r")
    return Posted("session", f"client-{turn_no}", f"question {turn_no}", answered)


def turn(turn_no: int) -> Turn:
    begin = NOON + timedelta(seconds=10 * turn_no)
    return Turn(
        id=f"turn-{turn_no}",
        session_id="session",
        turn_no=turn_no,
        status="COMPLETED",
        attempts=1,
        started_at=begin,
        ended_at=begin + timedelta(seconds=5),
        user_message_id=f"message-{turn_no}",
        reply_message_id=f"reply-{turn_no}",
    )


def messages(turn_no: int) -> list[Message]:
    asked, name = f"question {turn_no}", f"client-{turn_no}"
    return [
        Message(f"message-{turn_no}", "session", f"turn-{turn_no}", "user", asked, name),
        Message(f"reply-{turn_no}", "session", f"turn-{turn_no}", "assistant", "".join(WORDS), None),
    ]


@pytest.fixture
def found() -> Found:
    """Two turns of one session, posted, run and read as they should be. The second has three segments."""
    posts = [accepted(1), accepted(2)]
    seen = {1: told(1), 2: told_in_segments(2)}
    readings = [
        Reading("session", since_cursor(no), seen=events, ends=["done"]) for no, events in seen.items()
    ]
    kept = [Kept(Position.of_id(str(event.id)), event.chunk) for events in seen.values() for event in events]
    rest = Rest(
        [turn(1), turn(2)],
        [*messages(1), *messages(2)],
        [*settled(1), *settled(2)],
        {"session": kept},
        {"question 1": 1, "question 2": 2},
    )
    return Found(History([post.answered for post in posts], posts, readings), rest)


def test_what_is_as_it_should_be_has_no_problem(found: Found) -> None:
    assert problems(found.history, found.rest) == []


def a_reset(found: Found) -> None:
    seen = found.history.readings[0].seen
    data = {"turn_no": 1, "reason": "lost"}
    reset = Seen(3.0, since_cursor(1), {"type": "data-stream-reset", "data": data})
    found.history.readings[0].seen = [*seen[:4], reset, *told(1, claim=63)]


def a_restart(found: Found) -> None:
    """The third segment of the second turn was begun anew."""
    reading = found.history.readings[1]
    mark = {"type": "data-turn-restarted", "data": {"segment": 3, "step": 2, "part_ids": ["u"]}}
    again = [mark, *CALLS_ROUND[2]]
    reading.seen[7:] = [Seen(9.0, str(Position(2, 3, 2, n)), chunk) for n, chunk in enumerate(again, start=1)]
    found.rest.segments[-1] = replace(found.rest.segments[-1], claim=2, last_n=5)
    found.rest.calls["question 2"] = 3


def a_failure_after_a_settled_segment(found: Found) -> None:
    found.rest.turns[1] = replace(
        found.rest.turns[1], status="FAILED", error_code="turn_lost", terminal_claim=63, claim=3
    )
    found.history.readings[1].seen[-2:] = [Seen(9.0, str(Position(2, 3, 63, 1)), {"type": "error"})]
    del found.rest.segments[-1]
    found.rest.messages[-1] = replace(found.rest.messages[-1], text=WORDS[0])


def a_cut_in_the_middle(found: Found) -> None:
    found.history.readings[0].seen = found.history.readings[0].seen[:4]


HONEST = [a_reset, a_restart, a_failure_after_a_settled_segment, a_cut_in_the_middle]


@pytest.mark.parametrize("honest", HONEST, ids=lambda one: one.__name__)
def test_what_is_allowed_to_happen_is_no_problem(found: Found, honest: Callable[[Found], None]) -> None:
    honest(found)

    assert problems(found.history, found.rest) == []


def a_lost_event(found: Found) -> None:
    del found.history.readings[0].seen[3]


def a_repeated_event(found: Found) -> None:
    seen = found.history.readings[0].seen
    found.history.readings[0].seen = [*seen[:4], seen[3], *seen[4:]]


def a_repeated_event_without_a_name(found: Found) -> None:
    seen = found.history.readings[0].seen
    found.history.readings[0].seen = [*seen[:4], replace(seen[3], id=None), *seen[4:]]


def a_silent_new_beginning(found: Found) -> None:
    found.history.readings[0].seen = [*found.history.readings[0].seen[:4], *told(1, claim=2)[1:]]


def a_settled_segment_begun_anew(found: Found) -> None:
    """Twice: a reader saw it, and it is kept."""
    found.history.readings[1].seen[3:] = [
        Seen(9.0, str(Position(2, 1, 2, n)), chunk) for n, chunk in enumerate(CALLS_ROUND[0], start=1)
    ]


def a_settled_segment_kept_under_a_newer_claim(found: Found) -> None:
    kept = found.rest.streams["session"]
    kept.insert(-1, Kept(Position(2, 1, 2, 1), {"type": "start"}))


def a_segment_left_before_its_end(found: Found) -> None:
    del found.history.readings[1].seen[2]


def a_segment_passed_over(found: Found) -> None:
    del found.history.readings[1].seen[3:5]


def a_hole_among_the_segments(found: Found) -> None:
    del found.rest.segments[-2]


def a_reply_that_is_not_what_was_settled(found: Found) -> None:
    found.rest.segments[-1] = replace(found.rest.segments[-1], text="drei ")


def a_turn_passed_over(found: Found) -> None:
    reading = found.history.readings[0]
    reading.seen = [*reading.seen, *told(3)]
    found.rest.turns.append(turn(3))
    found.rest.messages.extend(messages(3))


def two_terminals(found: Found) -> None:
    seen = found.history.readings[0].seen
    seen.append(Seen(9.0, str(Position(1, 1, 1, len(seen) + 1)), {"type": "abort"}))


def a_word_after_the_end(found: Found) -> None:
    seen = found.history.readings[0].seen
    seen.append(
        Seen(9.0, str(Position(1, 1, 1, len(seen) + 1)), {"type": "text-delta", "id": "t", "delta": "x"})
    )


def another_end_than_is_stored(found: Found) -> None:
    found.history.readings[0].seen[-1].chunk["type"] = "error"


def other_words_than_are_stored(found: Found) -> None:
    found.history.readings[0].seen[3].chunk["delta"] = "zwei "


def an_overlapping_turn(found: Found) -> None:
    found.rest.turns[1] = replace(found.rest.turns[1], started_at=NOON + timedelta(seconds=12))


def a_stuck_turn(found: Found) -> None:
    found.rest.turns[1] = replace(found.rest.turns[1], status="RUNNING", ended_at=None)


def a_turn_that_vanished(found: Found) -> None:
    del found.rest.turns[1]
    found.history.readings.pop()


def a_hole_among_the_turns(found: Found) -> None:
    found.rest.turns[1] = replace(found.rest.turns[1], turn_no=3)


def a_message_changed_on_the_way(found: Found) -> None:
    found.rest.messages[0] = replace(found.rest.messages[0], text="question l")


def two_replies(found: Found) -> None:
    found.rest.messages.append(replace(found.rest.messages[1], id="another"))


def a_completed_turn_without_a_reply(found: Found) -> None:
    found.history.readings.pop(0)
    del found.rest.messages[1]


def a_message_stored_twice(found: Found) -> None:
    found.rest.messages[2] = replace(found.rest.messages[2], client_message_id="client-1")


def a_repeat_told_of_another_turn(found: Found) -> None:
    error = {"code": "duplicate_client_message_id", "details": {"chat_turn_id": "turn-2"}}
    body = {"error": error, "meta": {"request_id": "r"}}
    answered = Answered("POST", "/messages", 0.0, 0.1, 409, body, "r")
    found.history.posts.append(replace(found.history.posts[0], answered=answered))


def a_model_asked_too_often(found: Found) -> None:
    found.rest.calls["question 1"] = 2


def a_settled_segment_asked_again(found: Found) -> None:
    found.rest.calls["question 2"] = 3


def a_stream_that_goes_on_after_the_end(found: Found) -> None:
    found.rest.streams["session"].append(Kept(Position(1, 1, 2, 1), {"type": "start"}))


def a_refusal_without_a_known_code(found: Found) -> None:
    body = {"error": {"code": "oh_no"}, "meta": {"request_id": "r"}}
    found.history.answers.append(Answered("GET", "/x", 0.0, 0.1, 503, body, "r"))


def a_refusal_without_its_request_id(found: Found) -> None:
    body = {"error": {"code": "rate_limited"}, "meta": {"request_id": "another"}}
    found.history.answers.append(Answered("GET", "/x", 0.0, 0.1, 429, body, "r"))


def a_broken_request(found: Found) -> None:
    body = {"error": {"code": "internal_error"}, "meta": {"request_id": "r"}}
    found.history.answers.append(Answered("GET", "/x", 0.0, 0.1, 500, body, "r"))


BUGS = [
    a_lost_event,
    a_repeated_event,
    a_repeated_event_without_a_name,
    a_silent_new_beginning,
    a_settled_segment_begun_anew,
    a_settled_segment_kept_under_a_newer_claim,
    a_segment_left_before_its_end,
    a_segment_passed_over,
    a_hole_among_the_segments,
    a_reply_that_is_not_what_was_settled,
    a_turn_passed_over,
    two_terminals,
    a_word_after_the_end,
    another_end_than_is_stored,
    other_words_than_are_stored,
    an_overlapping_turn,
    a_stuck_turn,
    a_turn_that_vanished,
    a_hole_among_the_turns,
    a_message_changed_on_the_way,
    two_replies,
    a_completed_turn_without_a_reply,
    a_message_stored_twice,
    a_repeat_told_of_another_turn,
    a_model_asked_too_often,
    a_settled_segment_asked_again,
    a_stream_that_goes_on_after_the_end,
    a_refusal_without_a_known_code,
    a_refusal_without_its_request_id,
    a_broken_request,
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_bug_is_seen(found: Found, bug: Callable[[Found], None]) -> None:
    doctored = deepcopy(found)

    bug(doctored)

    assert problems(doctored.history, doctored.rest) != []
