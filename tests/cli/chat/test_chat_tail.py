"""Following a turn through everything that can happen to its connections."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cli.chat.played_server import Stage, answer, silence, stage, tail
from neo.cli.chat.conversation import Conversation
from neo.cli.chat.public_api import NotNeo, PublicApi, Refused, ServerNotReached
from neo.cli.chat.screen import Pipe
from neo.cli.chat.tail import Tail

START = {"type": "start", "messageId": "m"}
FINISH = {"type": "finish", "finishReason": "stop"}


def delta(text: str) -> dict[str, Any]:
    return {"type": "text-delta", "id": "t", "delta": text}


def refused(code: str, **details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": "No.", "details": details}, "meta": {"request_id": "r"}}


@contextmanager
def api_of(play: Stage) -> Iterator[PublicApi]:
    api = PublicApi(play.url, "key", is_local=True, say=lambda _: None)
    yield api
    api.close()


def followed(play: Stage, since: str | None = "65536-0") -> str:
    with api_of(play) as api:
        return "".join(chunk.get("delta", "") for chunk in Tail(api, "s", since))


def test_a_lost_connection_goes_on_where_it_broke() -> None:
    with stage(tail(START, delta("a"), is_cut=True), tail(delta("b"), FINISH, first=3)) as play:
        assert followed(play) == "ab"

    assert play.cursors == ["65536-0", "65537-2"]


def test_a_tail_that_ends_early_is_taken_up_again() -> None:
    with stage(tail(delta("a"), after="retry: 1\n\n"), tail(delta("b"), FINISH, first=2)) as play:
        assert followed(play) == "ab"


def test_nothing_is_asked_after_the_end() -> None:
    with stage(tail(delta("a"), FINISH, delta("of the next turn"), after="data: [DONE]\n\n")) as play:
        assert followed(play) == "a"


def test_the_end_may_come_without_a_terminal() -> None:
    with stage(tail(delta("a"), is_cut=True), answer(204)) as play:
        assert followed(play) == "a"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_that_may_pass_is_waited_out(status: int) -> None:
    with stage(answer(status, refused("busy"), retry_after="0"), tail(delta("a"), FINISH)) as play:
        assert followed(play) == "a"


def test_a_wait_is_at_least_what_the_server_asks_for() -> None:
    said: list[str] = []
    with stage(answer(429, refused("rate_limited"), retry_after="2"), tail(FINISH)) as play:
        api = PublicApi(play.url, "key", is_local=True, say=said.append)
        list(Tail(api, "s", None))
        api.close()

    assert [line.partition(":")[0] for line in said] == ["rate_limited"]


def test_a_refusal_that_stays_is_raised() -> None:
    with stage(answer(400, refused("invalid_cursor"))) as play, pytest.raises(Refused) as raised:
        followed(play)

    assert (raised.value.status, raised.value.answered) == (400, "invalid_cursor")


def test_a_server_that_is_not_neo_is_told_apart() -> None:
    with stage(answer(200, {}, content_type="text/html")) as play, pytest.raises(NotNeo):
        followed(play)


def test_a_message_whose_answer_was_lost_is_posted_again_as_the_same() -> None:
    details = {"chat_turn_id": "t", "since_cursor": "65536-0", "user_message_id": "m"}
    repeat = answer(409, refused("duplicate_client_message_id", **details))
    with stage(silence, repeat) as play, api_of(play) as api:
        posted = api.post("s", "hello", tier="FAST")

    first, second = (json.loads(body) for _, _, body in play.requests)
    assert first == second
    assert first["client_message_id"]
    assert (posted.turn_id, posted.since_cursor) == ("t", "65536-0")


def test_a_message_under_a_used_id_is_not_taken_for_a_repeat() -> None:
    reused = answer(409, refused("client_message_id_reused"))
    with stage(reused) as play, api_of(play) as api, pytest.raises(Refused):
        api.post("s", "hello", tier="FAST")


def test_no_server_is_said_at_once() -> None:
    with stage() as play:
        pass
    with api_of(play) as api, pytest.raises(ServerNotReached, match="make run"):
        api.check()


@pytest.mark.parametrize("again", ["data-stream-reset", "data-turn-restarted", "start"])
def test_an_answer_that_is_told_again_counts_once(again: str) -> None:
    accepted = {"data": {"chat_turn_id": "t", "since_cursor": "65536-0"}, "meta": {}}
    told_again = tail(START, delta("lost"), {"type": again, "data": {"step": 1}}, delta("kept"), FINISH)
    out = io.StringIO()
    with stage(answer(202, accepted), told_again) as play, api_of(play) as api:
        assert Conversation(api, Pipe(out, io.StringIO()), "s", tier="FAST").say("hello")

    assert out.getvalue() == "kept\n"


def test_a_step_that_is_begun_anew_leaves_the_steps_before_it() -> None:
    accepted = {"data": {"chat_turn_id": "t", "since_cursor": "65536-0"}, "meta": {}}
    step, cut = {"type": "start-step"}, {"type": "data-turn-restarted", "data": {"step": 2}}
    text_end = {"type": "text-end", "id": "t"}
    told = tail(
        START,
        step,
        delta("one"),
        text_end,
        step,
        delta("lo"),
        cut,
        step,
        delta("st"),
        cut,
        step,
        delta("two"),
        FINISH,
    )
    out = io.StringIO()
    with stage(answer(202, accepted), told) as play, api_of(play) as api:
        assert Conversation(api, Pipe(out, io.StringIO()), "s", tier="FAST").say("hello")

    assert out.getvalue() == "one\ntwo\n"


def test_calls_are_a_line_each_and_a_turn_that_waits_goes_on() -> None:
    accepted = {"data": {"chat_turn_id": "t", "since_cursor": "65536-0"}, "meta": {}}
    asked = {"type": "tool-input-available", "toolCallId": "c", "toolName": "close", "input": {"n": 1}}
    waits = {
        "type": "data-turn-waiting",
        "data": {"waiting_for": "APPROVAL", "calls": ["c"], "until": "tomorrow", "cursor": "65537-3"},
    }
    outcome = {"type": "tool-output-available", "toolCallId": "c", "output": "closed"}
    out, notes = io.StringIO(), io.StringIO()
    acts = (
        answer(202, accepted),
        tail(START, asked, waits, after="retry: 1\n\ndata: [DONE]\n\n"),
        tail(after="retry: 1\n\n"),
        tail(outcome, outcome, delta("done"), FINISH, first=4),
    )
    with stage(*acts) as play, api_of(play) as api:
        assert Conversation(api, Pipe(out, notes), "s", tier="FAST").say("hello")

    assert play.cursors == [None, "65536-0", "65537-3", "65537-3"]
    assert out.getvalue() == "done\n"
    assert notes.getvalue().splitlines() == [
        'Calls close {"n": 1}',
        "The turn waits until tomorrow for a decision: close (c).",
        "The answer goes on here then. Ctrl-C leaves, and the turn goes on waiting.",
        "close: closed",
    ]


def test_tool_errors_and_failures_are_lines_of_their_own() -> None:
    accepted = {"data": {"chat_turn_id": "t", "since_cursor": None}, "meta": {}}
    chunks = (
        {"type": "tool-input-start", "toolCallId": "c", "toolName": "look_up"},
        {"type": "tool-output-error", "toolCallId": "c", "errorText": "No\nluck."},
        {"type": "error", "errorText": "provider_failed: It broke."},
    )
    out, notes = io.StringIO(), io.StringIO()
    with stage(answer(202, accepted), tail(*chunks)) as play, api_of(play) as api:
        assert not Conversation(api, Pipe(out, notes), "s", tier="FAST").say("hello")

    assert out.getvalue() == ""
    assert notes.getvalue().splitlines() == ["neo: look_up: No luck.", "neo: provider_failed: It broke."]
