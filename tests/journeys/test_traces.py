"""A posted message is one trace, from its request to its answer's first event, in whatever process."""

from collections.abc import AsyncIterator

import pytest

from support.client import SESSIONS, Client
from support.collector import Collector, Span
from support.server import Server

CALLERS_TRACE = "0af7651916cd43dd8448eb211c80319c"
SECRET_WORDS = "my password is swordfish"


@pytest.fixture(scope="module")
async def speaker(own: Server) -> AsyncIterator[Client]:
    client = Client(own.url, own.api_key)
    yield client
    await client.http.aclose()


async def trace_of(collector: Collector, turn_id: str) -> dict[str, Span]:
    """The spans of the message that made a turn, by name."""

    def whole(spans: list[Span]) -> bool:
        return any(span.name == "run turn" and span.attributes["neo.turn_id"] == turn_id for span in spans)

    await collector.seen(whole)
    [accepting] = [
        span
        for span in collector.spans
        if span.name == "accept message" and span.attributes.get("neo.turn_id") == turn_id
    ]
    return {span.name: span for span in collector.spans if span.trace_id == accepting.trace_id}


async def test_a_message_is_one_trace_to_its_first_event(
    own: Server, speaker: Client, collector: Collector
) -> None:
    session = await speaker.open()
    answer = await speaker.post(session, SECRET_WORDS)
    turn_id = answer.json()["data"]["chat_turn_id"]
    await speaker.ended(session, turn_id)

    spans = await trace_of(collector, turn_id)

    request = f"POST {SESSIONS}/{{session_id}}/messages"
    parents = {
        request: None,
        "accept message": request,
        "run turn": "accept message",
        "call model": "run turn",
        "first event": "call model",
        "end turn": "run turn",
    }
    assert set(spans) == set(parents)
    for name, parent in parents.items():
        assert spans[name].parent_id == (spans[parent].span_id if parent else ""), name
    assert spans[request].attributes["neo.request_id"] == answer.json()["meta"]["request_id"]
    assert spans[request].attributes["http.response.status_code"] == 202
    assert spans["run turn"].attributes["neo.session_id"] == session
    assert spans["call model"].attributes["gen_ai.provider.name"] == "scripted"
    assert spans["first event"].ended <= spans["call model"].ended
    assert {span.process for span in spans.values()} == {"neo"}


async def test_a_caller_s_trace_is_gone_on_with(speaker: Client, collector: Collector) -> None:
    session = await speaker.open()
    url, parent = f"{SESSIONS}/{session}/messages", f"00-{CALLERS_TRACE}-b7ad6b7169203331-01"

    answer = await speaker.http.post(url, json={"message": "hello"}, headers={"traceparent": parent})

    turn_id = answer.json()["data"]["chat_turn_id"]
    spans = await trace_of(collector, turn_id)
    assert {span.trace_id for span in spans.values()} == {CALLERS_TRACE}


@pytest.mark.parametrize("parent", ["", "00-0-0-00", "x" * 1000, "ff-" + "0" * 32 + "-" + "0" * 16 + "-01"])
async def test_a_trace_that_cannot_be_read_is_left_alone(speaker: Client, parent: str) -> None:
    answer = await speaker.http.get(SESSIONS, headers={"traceparent": parent})

    assert answer.status_code == 200


async def test_a_turn_that_waited_for_another_is_in_its_own_message_s_trace(
    speaker: Client, collector: Collector
) -> None:
    session = await speaker.open()
    accepted = [await speaker.say(session, f"message {number}") for number in range(3)]
    for one in accepted:
        await speaker.ended(session, one["chat_turn_id"])

    traces = [await trace_of(collector, one["chat_turn_id"]) for one in accepted]

    assert len({spans["run turn"].trace_id for spans in traces}) == 3
    for one, spans in zip(accepted, traces, strict=True):
        assert spans["run turn"].attributes["neo.turn_id"] == one["chat_turn_id"]


async def test_no_words_keys_or_names_are_in_any_span(
    own: Server, speaker: Client, collector: Collector
) -> None:
    session = await speaker.open(managed_agent_key="NEO_SUPPORT", title="The title of a session")
    turn_id = (await speaker.say(session, SECRET_WORDS))["chat_turn_id"]
    await speaker.ended(session, turn_id)
    await trace_of(collector, turn_id)

    for secret in (
        SECRET_WORDS,
        "swordfish",
        "The title",
        own.api_key,
        own.api_key[14:30],
        "Neo Support",
    ):
        assert secret.encode() not in collector.received


async def test_the_logs_of_a_traced_request_and_its_turn_name_the_trace(
    own: Server, speaker: Client, collector: Collector
) -> None:
    session = await speaker.open()
    turn_id = (await speaker.say(session, "hello"))["chat_turn_id"]
    await speaker.ended(session, turn_id)
    spans = await trace_of(collector, turn_id)

    lines = (own.data / "logs" / "server.log").read_text().splitlines()

    trace_id = spans["run turn"].trace_id
    named = [line for line in lines if trace_id in line]
    assert {
        event for event in ("request", "turn_ended") if any(f'"event": "{event}"' in one for one in named)
    } == {
        "request",
        "turn_ended",
    }
    assert all(turn_id in line for line in named)
