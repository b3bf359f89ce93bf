"""What is sent to the Messages API, and what is made of its refusals."""

from contextlib import aclosing
from dataclasses import replace
from typing import Any

import orjson
import pytest

from llm.asking import Received
from llm.raw_provider import HEAD, event, raw_provider, refusal_head
from llm.rounds import a_round
from neo.errors import Failure
from neo.llm import (
    ChosenModel,
    Image,
    Models,
    ModelSpec,
    Outcome,
    Prompt,
    PromptTooLong,
    ProviderIncomplete,
    ProviderMisconfigured,
    ProviderRateLimited,
    ProviderRejected,
    ProviderSettings,
    ProviderUnavailable,
    Round,
    Said,
    Tier,
    ToolCall,
)
from neo.llm.messages.request import endpoint, request_body
from support.images import image

ANSWER = (
    event("message_start", message={"id": "msg_1"})
    + event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"})
    + event("message_delta", delta={"stop_reason": "end_turn"})
    + event("message_stop")
)
HELLO = Prompt("Be kind.", (), "hello")


def chosen(model: str = "claude-x", effort: str | None = None, *, url: str | None = None) -> ChosenModel:
    settings = ProviderSettings(anthropic_api_key="key", anthropic_base_url=url)
    spec = ModelSpec.parse(f"anthropic:{model}")
    return Models(spec, spec, settings).choose(Tier.FAST, None, effort)


def body(prompt: Prompt = HELLO, model: str = "claude-x", effort: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(request_body(chosen(model, effort), prompt, None))
    return found


def text(given: str) -> dict[str, str]:
    return {"type": "text", "text": given}


async def received(url: str) -> Received:
    spec = ModelSpec.parse("anthropic:claude-x")
    models = Models(spec, spec, ProviderSettings(anthropic_api_key="key", anthropic_base_url=url))
    told = Received()
    try:
        async with aclosing(models.answer(models.choose(Tier.FAST, None, None), HELLO)) as deltas:
            async for delta in deltas:
                told.deltas.append(delta)
    finally:
        await models.aclose()
    return told


async def test_a_call_says_what_is_wanted_and_nothing_else() -> None:
    async with raw_provider(ANSWER) as provider:
        assert (await received(provider.url)).text == "a"

    head = provider.heads[0].lower()
    assert head.startswith("post /v1/messages http/1.1\r\n")
    assert "\r\nx-api-key: key\r\n" in head
    assert "\r\nanthropic-version: 2023-06-01\r\n" in head
    assert provider.asked == {
        "model": "claude-x",
        "stream": True,
        "max_tokens": 16384,
        "system": "Be kind.",
        "messages": [{"role": "user", "content": [text("hello")]}],
    }


@pytest.mark.parametrize(
    ("base", "url", "in_authorization"),
    [
        (None, "https://api.anthropic.com/v1/messages", False),
        (
            "https://x.services.ai.azure.com/anthropic/",
            "https://x.services.ai.azure.com/anthropic/v1/messages",
            False,
        ),
        ("https://openrouter.ai/api", "https://openrouter.ai/api/v1/messages", True),
        ("http://vllm:8000/v1/", "http://vllm:8000/v1/messages", True),
    ],
)
def test_where_it_is_sent_and_with_what_key(base: str | None, url: str, *, in_authorization: bool) -> None:
    where = endpoint(chosen(url=base))

    assert str(where.url) == url
    assert where.headers[b"x-api-key"] == b"key"
    assert where.headers.get(b"authorization") == (b"Bearer key" if in_authorization else None)


BLIND = Image("image/png", image(), alt="A cat")
ROUND = a_round("Let me see.", "look_up", "rain", "wind")


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        pytest.param(
            Prompt("", (Said("user", "one"), Said("assistant", "\n")), "two"),
            [("user", ["one"]), ("assistant", ["(no answer)"]), ("user", ["two"])],
            id="a blank answer",
        ),
        pytest.param(
            Prompt(" \n", (Said("user", "one"), Said("user", "two")), "three"),
            [("user", ["one\n\ntwo\n\nthree"])],
            id="no answers at all",
        ),
        pytest.param(
            Prompt("", (Said("assistant", "Hi."), Said("assistant", "Well?")), "two"),
            [("user", ["(nothing)"]), ("assistant", ["Hi.\n\nWell?"]), ("user", ["two"])],
            id="begins with answers",
        ),
        pytest.param(
            Prompt("", (Said("user", "one"), Said("assistant", "", rounds=(ROUND,))), "two"),
            [
                ("user", ["one"]),
                ("assistant", ["Let me see.", "tool_use", "tool_use"]),
                ("user", ["tool_result", "tool_result"]),
                ("assistant", ["(no answer)"]),
                ("user", ["two"]),
            ],
            id="a round without an answer",
        ),
        pytest.param(
            Prompt(
                "", (), "one", rounds=(replace(ROUND, text=" "), a_round("", "look_up", "", call_id="call_b"))
            ),
            [
                ("user", ["one"]),
                ("assistant", ["tool_use", "tool_use"]),
                ("user", ["tool_result", "tool_result"]),
                ("assistant", ["tool_use"]),
                ("user", ["tool_result"]),
            ],
            id="two rounds without texts",
        ),
        pytest.param(
            Prompt("", (Said("user", " ", images=(BLIND,)), Said("assistant", "Nice.")), "", (BLIND,)),
            [("user", ["Image 1", "image"]), ("assistant", ["Nice."]), ("user", ["Image 1", "image"])],
            id="images alone",
        ),
    ],
)
def test_messages_alternate_and_no_text_is_blank(prompt: Prompt, sent: list[tuple[str, list[str]]]) -> None:
    asked = body(prompt)

    assert "system" not in asked
    assert [(one["role"], [shown(block) for block in one["content"]]) for one in asked["messages"]] == sent
    assert all(block["text"].strip() for block in texts(asked["messages"]))


def test_calls_and_outcomes_are_blocks() -> None:
    calls = [ToolCall("call_a", "look_up", '{"q":1}'), ToolCall("call b", "look up", "[1]")]
    outcomes = [Outcome("call_a", "rain"), Outcome("call b", "No such tool.", is_error=True)]

    asking, answering = body(Prompt("", (), "one", rounds=(Round("So.", calls, outcomes),)))["messages"][1:]

    text_block, first, second = asking["content"]
    assert text_block == text("So.")
    assert first == {"type": "tool_use", "id": "call_a", "name": "look_up", "input": {"q": 1}}
    assert second == {
        "type": "tool_use",
        "id": second["id"],
        "name": "look_up",
        "input": {"arguments": "[1]"},
    }
    assert answering["content"] == [
        {"type": "tool_result", "tool_use_id": "call_a", "content": [text("rain")], "is_error": False},
        {
            "type": "tool_result",
            "tool_use_id": second["id"],
            "content": [text("No such tool.")],
            "is_error": True,
        },
    ]


def test_arguments_are_sent_however_deep_they_are_nested() -> None:
    deep = '{"a":' + "[" * 900 + "]" * 900 + "}"
    one = Round("", [ToolCall("call_a", "look_up", deep)], [Outcome("call_a", "rain")])

    assert deep.encode() in request_body(chosen(), Prompt("", (), "one", rounds=(one,)), None)


def test_a_server_without_a_system_role_is_given_the_instructions_in_the_first_message() -> None:
    model = chosen()
    model = replace(model, traits=replace(model.traits, system_role="none"))

    asked = orjson.loads(request_body(model, HELLO, None))

    assert "system" not in asked
    assert asked["messages"] == [{"role": "user", "content": [text("Be kind."), text("hello")]}]


ADAPTIVE, OFF = {"type": "adaptive"}, {"type": "disabled"}


def budget(tokens: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "level"),
    [
        ("claude-opus-5", None, None, None),
        ("claude-3-opus-20240229", "high", None, None),
        ("claude-3-5-haiku-latest", "high", None, None),
        ("claude-2.1", "high", None, None),
        ("claude-3-7-sonnet-20250219", "low", budget(2_048), None),
        ("claude-sonnet-4-20250514", "medium", budget(10_000), None),
        ("claude-sonnet-4-5", "minimal", budget(1_024), None),
        ("claude-sonnet-4-5", "max", budget(12_288), None),
        ("claude-haiku-4-5-20251001", "none", None, None),
        ("claude-opus-4-5-20251101", "medium", budget(10_000), "medium"),
        ("claude-opus-4-5-20251101", "max", budget(12_288), "high"),
        ("claude-sonnet-4-6", "xhigh", ADAPTIVE, "max"),
        ("claude-opus-4-7", "xhigh", ADAPTIVE, "xhigh"),
        ("claude-opus-4-8", "none", None, None),
        ("claude-opus-5", "minimal", ADAPTIVE, "low"),
        ("claude-opus-5", "none", OFF, None),
        ("claude-opus-5-5", "none", ADAPTIVE, "low"),
        ("claude-sonnet-5-5", "none", {"type": "between_tools"}, None),
        ("claude-haiku-5-5", "none", OFF, None),
        ("claude-fable-5-2", "none", ADAPTIVE, "low"),
        ("claude-mythos-preview", "high", ADAPTIVE, None),
        ("claude-newer-than-all-7", "high", ADAPTIVE, "high"),
        ("anthropic/claude-opus-4.6", "high", ADAPTIVE, "high"),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", "low", budget(2_048), None),
        ("glm-5", "low", budget(2_048), None),
        ("glm-5", "none", None, None),
    ],
)
def test_how_much_it_is_to_think(model: str, effort: str | None, thinking: object, level: str | None) -> None:
    asked = body(model=model, effort=effort)

    assert asked.get("thinking") == thinking
    assert asked.get("output_config") == (None if level is None else {"effort": level})
    assert asked["max_tokens"] > asked.get("thinking", {}).get("budget_tokens", 0)
    assert not {"temperature", "top_p", "top_k"} & asked.keys()


@pytest.mark.parametrize(
    ("answer_tokens", "tokens"), [(16_384, 12_288), (8_192, 4_096), (2_048, 1_024), (2_046, None)]
)
def test_a_budget_leaves_room_for_the_answer(answer_tokens: int, tokens: int | None) -> None:
    model = replace(chosen("claude-sonnet-4-5", "high"), answer_tokens_max=answer_tokens)

    asked = orjson.loads(request_body(model, HELLO, None))

    assert asked["max_tokens"] == answer_tokens
    assert asked.get("thinking") == (None if tokens is None else budget(tokens))


@pytest.mark.parametrize(
    ("model", "thinking", "level"),
    [
        ("claude-sonnet-4-5", None, None),
        ("claude-opus-4-5", None, "high"),
        ("claude-opus-4-6", ADAPTIVE, "high"),
        ("claude-opus-5", ADAPTIVE, "high"),
    ],
)
def test_a_model_that_wants_its_thoughts_back_goes_on_without(
    model: str, thinking: object, level: str
) -> None:
    asked = body(Prompt("", (), "one", rounds=(ROUND,)), model, "high")

    assert asked.get("thinking") == thinking
    assert asked.get("output_config") == (level and {"effort": level})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("invalid_request_error", ProviderRejected),
        ("authentication_error", ProviderMisconfigured),
        ("billing_error", ProviderMisconfigured),
        ("permission_error", ProviderMisconfigured),
        ("not_found_error", ProviderMisconfigured),
        ("request_too_large", PromptTooLong),
        ("rate_limit_error", ProviderRateLimited),
        ("api_error", ProviderUnavailable),
        ("timeout_error", ProviderUnavailable),
        ("overloaded_error", ProviderRateLimited),
        ("unheard_of", ProviderIncomplete),
    ],
)
async def test_an_error_in_the_stream_is_what_it_is_over_http(kind: str, expected: type[Failure]) -> None:
    begun = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"})

    async with raw_provider(begun, event("error", error={"type": kind, "message": "No."})) as provider:
        with pytest.raises(expected):
            await received(provider.url)


@pytest.mark.parametrize(
    ("head", "writes", "expected"),
    [
        (HEAD, [orjson.dumps({"type": "error", "error": {"type": "overloaded_error"}})], ProviderRateLimited),
        (HEAD, [b"<html>Sign in</html>"], ProviderIncomplete),
        (refusal_head(529, b'{"error":{"type":"overloaded_error"}}'), [], ProviderRateLimited),
        (
            refusal_head(400, b'{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}'),
            [],
            PromptTooLong,
        ),
        (
            refusal_head(
                400,
                b'{"error":{"message":"input length and `max_tokens` exceed context limit: 1 + 2 > 2, decrease"}}',
            ),
            [],
            PromptTooLong,
        ),
    ],
)
async def test_what_a_refusal_says(head: bytes, writes: list[bytes], expected: type[Failure]) -> None:
    async with raw_provider(*writes, head=head, ends=bool(writes)) as provider:
        with pytest.raises(expected):
            await received(provider.url)


async def test_a_body_without_a_stream_is_an_answer() -> None:
    whole = {"type": "message", "content": [text("a")], "stop_reason": "end_turn"}

    async with raw_provider(orjson.dumps(whole)) as provider:
        assert (await received(provider.url)).text == "a"


def shown(block: dict[str, Any]) -> str:
    if block["type"] != "text":
        return str(block["type"])
    given = str(block["text"])
    return "Image 1" if given.startswith("Image 1") else given


def texts(blocks: Any) -> list[dict[str, Any]]:
    """Every text block, at any depth."""
    if isinstance(blocks, list):
        return [found for block in blocks for found in texts(block)]
    if not isinstance(blocks, dict):
        return []
    return [blocks] if blocks.get("type") == "text" else texts(list(blocks.values()))


def test_a_prompt_with_calls_describes_their_tools_and_asks_for_none() -> None:
    earlier = Said("assistant", "Rain.", rounds=(a_round("", "look_up", "rain"),))
    sent = body(
        Prompt(
            "",
            (Said("user", "Weather?"), earlier),
            "And now?",
            rounds=(a_round("", "look up", "sun", call_id="call_b"),),
        )
    )

    names = {
        part["name"] for one in sent["messages"] for part in one["content"] if part["type"] == "tool_use"
    }
    assert names
    assert sent["tools"] == [
        {"name": name, "input_schema": {"type": "object", "properties": {}}} for name in sorted(names)
    ]
    assert sent["tool_choice"] == {"type": "none"}
    assert "tools" not in body()
