"""What a call yields, in every dialect, from a real server."""

import asyncio
from contextlib import aclosing

import httpx2
import pytest

from llm.asking import Ask, Calls, eventually, joined
from neo.llm import Models, Prompt, ReasoningDelta, Said, TextDelta, Tier, ToolCall
from neo.llm.reading.texts import storable

DIALECTS = ["scripted", "scripted-chat", "scripted-anthropic"]
PROVIDERS = [*DIALECTS, "openai", "azure", "compatible", "anthropic"]

each_dialect = pytest.mark.parametrize("dialect", DIALECTS)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_every_provider_answers_in_order_and_completes_once(ask: Ask, provider: str) -> None:
    received = await ask(f"{provider}:tokens=50")

    assert received.text == "".join(f"w{number} " for number in range(1, 51))
    assert received.completed.finish_reason == "stop"
    assert received.completed.output_tokens == 50
    assert received.completed.input_tokens > 0
    assert received.completed.model == "tokens=50"


@each_dialect
async def test_reasoning_comes_in_a_part_of_its_own(ask: Ask, dialect: str) -> None:
    received = await ask(f"{dialect}:reasoning=2,tokens=1")

    told = joined(received.deltas)
    assert told[:-1] == [ReasoningDelta(0, "r1 r2 "), TextDelta(1, "w1 ")]
    assert received.text == "w1 "


@each_dialect
async def test_a_tool_call_is_told_whole(ask: Ask, dialect: str) -> None:
    received = await ask(f"{dialect}:tool_call,tokens=1")

    call = received.deltas[-2]
    assert isinstance(call, ToolCall)
    assert call.call_id
    assert (call.name, call.arguments_json) == ("look_up", '{"query":"weather"}')
    assert received.completed.finish_reason == "tool-calls"


@each_dialect
async def test_an_answer_cut_at_its_limit_says_so(ask: Ask, dialect: str) -> None:
    assert (await ask(f"{dialect}:length,tokens=2")).completed.finish_reason == "length"


@each_dialect
async def test_an_empty_answer_is_an_answer(ask: Ask, dialect: str) -> None:
    received = await ask(f"{dialect}:tokens=0")

    assert received.text == ""
    assert received.completed.finish_reason == "stop"


@each_dialect
async def test_any_text_survives_the_way(ask: Ask, dialect: str) -> None:
    message = 'Grüße, 世界 🌍\n\n```json\n{"a": "\\u2028\u2028"}\n```\tdata: [DONE]\r\n'

    received = await ask(f"{dialect}:echo", Prompt("", (), message))

    assert received.text == message


@each_dialect
async def test_what_no_store_takes_is_replaced(ask: Ask, dialect: str) -> None:
    assert (await ask(f"{dialect}:echo", Prompt("", (), "a\x00b"))).text == "a\ufffdb"


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_is_joined() -> None:
    assert storable("a\ud83db") == "a\ufffdb"
    assert storable("\ud83c\udf0d") == "\U0001f30d"


@each_dialect
async def test_the_transcript_arrives_in_order(ask: Ask, dialect: str) -> None:
    transcript = (Said("user", "one"), Said("assistant", ""), Said("user", "two"), Said("assistant", "2"))

    received = await ask(f"{dialect}:recall", Prompt("Be kind.", transcript, "three"))

    assert received.text == "one\ntwo\nthree"


@pytest.mark.parametrize("provider", ["scripted", "openai", "azure"])
async def test_a_continued_response_gets_the_new_message_only(ask: Ask, calls: Calls, provider: str) -> None:
    first = await ask(f"{provider}:recall", Prompt("", (), f"one to {provider}"))

    second = await ask(
        f"{provider}:recall",
        Prompt("", (Said("user", "not sent"), Said("assistant", "not sent")), "two"),
        previous_response_id=first.completed.response_id,
    )

    assert second.text == f"one to {provider}\ntwo"
    assert second.completed.cached_tokens > 0
    call = (await calls("recall"))[-1]
    assert call["previous_response_id"] == first.completed.response_id
    assert call["input_messages"] == 1


async def test_a_provider_that_remembers_nothing_gets_the_transcript(ask: Ask) -> None:
    prompt = Prompt("", (Said("user", "one"), Said("assistant", "1")), "two")

    received = await ask("scripted-chat:recall", prompt, previous_response_id="resp_1")

    assert received.text == "one\ntwo"


@each_dialect
@pytest.mark.parametrize("effort", ["none", "low", "high", "max"])
async def test_a_reasoning_effort_does_not_break_a_model_without_one(
    ask: Ask, dialect: str, effort: str
) -> None:
    assert (await ask(f"{dialect}:tokens=1", reasoning_effort=effort)).text == "w1 "


@each_dialect
async def test_deltas_arrive_as_they_are_said(
    models: Models, control: httpx2.AsyncClient, dialect: str
) -> None:
    gate = f"live-{dialect}"
    chosen = models.choose(Tier.FAST, f"{dialect}:tokens=3,pause_after=1,gate={gate}", None)

    async def is_waiting() -> bool:
        return bool((await control.get("/waiting", params={"gate": gate})).json() == {"waiting": 1})

    async with aclosing(models.answer(chosen, Prompt("", (), "hello"))) as deltas:
        assert await anext(deltas) == TextDelta(0, "w1 ")
        assert await eventually(is_waiting)
        assert (await control.post("/release", params={"gate": gate})).json() == {"released": 1}
        rest = [delta async for delta in deltas]

    assert joined(rest[:-1]) == [TextDelta(0, "w2 w3 ")]


@each_dialect
async def test_closing_early_hangs_up_on_the_provider(models: Models, calls: Calls, dialect: str) -> None:
    name = f"tokens=1000,delay_ms=20,key=close-{dialect}"
    chosen = models.choose(Tier.FAST, f"{dialect}:{name}", None)

    async with aclosing(models.answer(chosen, Prompt("", (), "hello"))) as deltas:
        await anext(deltas)

    assert await _disconnects(calls, name)


@each_dialect
async def test_a_cancelled_caller_hangs_up_on_the_provider(ask: Ask, calls: Calls, dialect: str) -> None:
    name = f"tokens=1,first_ms=30000,key=cancel-{dialect}"
    asking = asyncio.create_task(ask(f"{dialect}:{name}"))

    async def has_arrived() -> bool:
        return bool(await calls(name))

    assert await eventually(has_arrived)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert await _disconnects(calls, name)


async def test_many_answers_at_once_share_the_connections(ask: Ask, calls: Calls) -> None:
    received = await asyncio.gather(*(ask("scripted:tokens=5,delay_ms=5,key=many") for _ in range(100)))

    assert {one.text for one in received} == {"w1 w2 w3 w4 w5 "}
    assert len(await calls("tokens=5,delay_ms=5,key=many")) == 100


async def _disconnects(calls: Calls, name: str) -> bool:
    async def has_gone() -> bool:
        return all(call["disconnected"] for call in await calls(name))

    return await eventually(has_gone)
