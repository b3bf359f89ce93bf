"""What a provider gives with a call and demands back with it: told with the call, kept as JSON, and sent where it was,
to the model that gave it and to no other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from llm.raw_provider import completed, event
from llm.test_rounds import asked
from neo.llm import Models, ModelSpec, Outcome, Prompt, ProviderSettings, Round, Tier, ToolCall
from neo.llm.models import DIALECTS

CHAT, RESPONSES, MESSAGES = "compatible:m", "openai:gpt-5", "anthropic:claude-sonnet-4"
SIGNED = {"google": {"thought_signature": "c2ln"}}
SEALED = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
THINKING = {"type": "thinking", "thinking": "Let me see\U0001f914.", "signature": "EqQB"}
REDACTED = {"type": "redacted_thinking", "data": "Emw"}


def chat(*deltas: Mapping[str, Any]) -> list[bytes]:
    choices: list[dict[str, Any]] = [
        *({"delta": delta} for delta in deltas),
        {"delta": {}, "finish_reason": "tool_calls"},
    ]
    return [orjson.dumps({"choices": [{"index": 0, **choice}]}) for choice in choices]


def chat_call(number: int, **given: Any) -> dict[str, Any]:
    function = {"name": "f", "arguments": "{}"}
    return {"tool_calls": [{"index": number, "id": f"c{number}", "function": function, **given}]}


def begun(index: int, **block: Any) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def piece(index: int, **delta: Any) -> bytes:
    return event("content_block_delta", index=index, delta=delta)


def ended(index: int) -> bytes:
    return event("content_block_stop", index=index)


THOUGHT = [
    event("message_start", message={"id": "m", "usage": {}}),
    begun(0, type="thinking", thinking="", signature=""),
    piece(0, type="thinking_delta", thinking="Let me see"),
    piece(0, type="thinking_delta", thinking="\U0001f914."),
    piece(0, type="signature_delta", signature="Eq"),
    piece(0, type="signature_delta", signature="QB"),
    ended(0),
    begun(1, **REDACTED),
    ended(1),
    begun(2, type="text", text="I look."),
    ended(2),
    begun(3, type="tool_use", id="c0", name="f", input={}),
    ended(3),
    begun(4, type="tool_use", id="c1", name="f", input={}),
    ended(4),
    event("message_delta", delta={"stop_reason": "tool_use"}),
    event("message_stop"),
]


def function_call(number: int) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"fc{number}",
        "call_id": f"c{number}",
        "name": "f",
        "arguments": "{}",
    }


@pytest.mark.parametrize(
    ("model", "events", "given"),
    [
        # Gemini, whose parallel calls have one signature, and LiteLLM before it.
        (CHAT, chat(chat_call(0, extra_content=SIGNED), chat_call(1)), [{"extra_content": SIGNED}, {}]),
        (
            CHAT,
            chat(chat_call(0), {"tool_calls": [{"index": 0, "extra_content": SIGNED}]}),
            [{"extra_content": SIGNED}],
        ),
        (
            CHAT,
            chat(chat_call(0, provider_specific_fields={"s": "c2ln"})),
            [{"provider_specific_fields": {"s": "c2ln"}}],
        ),
        # DeepSeek and Moonshot.
        (
            CHAT,
            chat({"reasoning_content": "Let me"}, {"reasoning_content": " see"}, chat_call(0), chat_call(1)),
            [{"reasoning_content": "Let me see"}, {}],
        ),
        # OpenRouter.
        (
            CHAT,
            chat(
                {"reasoning_details": [{"type": "reasoning.text", "text": "Let", "index": 0}]},
                {
                    "reasoning_details": [
                        {"type": "reasoning.text", "text": " me", "index": 0, "signature": "s"}
                    ]
                },
                {"reasoning_details": [{"type": "reasoning.encrypted", "data": "gA", "index": 1}]},
                chat_call(0),
            ),
            [
                {
                    "reasoning_details": [
                        {"type": "reasoning.text", "text": "Let me", "index": 0, "signature": "s"},
                        {"type": "reasoning.encrypted", "data": "gA", "index": 1},
                    ]
                }
            ],
        ),
        (CHAT, chat(chat_call(0)), [{}]),
        (MESSAGES, THOUGHT, [{"thinking": [THINKING, REDACTED]}, {}]),
        (
            RESPONSES,
            [
                event("response.output_item.done", item={**SEALED, "status": "completed"}, output_index=0),
                event("response.output_item.done", item=function_call(0), output_index=1),
                event("response.output_item.done", item=function_call(1), output_index=2),
                completed(output=[SEALED, function_call(0), function_call(1)]),
            ],
            [{"items": [SEALED]}, {}],
        ),
        # Only the final event has them.
        (RESPONSES, [completed(output=[SEALED, function_call(0)])], [{"items": [SEALED]}]),
        # What is not sealed cannot go back.
        (RESPONSES, [completed(output=[{"type": "reasoning", "id": "rs_1"}, function_call(0)])], [{}]),
    ],
)
async def test_it_is_told_with_the_call_and_sent_back_with_it(
    model: str, events: Sequence[bytes], given: Sequence[Mapping[str, Any]]
) -> None:
    calls = read(model, events)

    assert [without_by(call) for call in calls] == list(given)
    sent = await asked(model, turn(calls))
    for value in (value for one in given for value in one.values()):
        for found in value if isinstance(value, list) else [value]:
            assert orjson.dumps(found).decode()[1:-1] in orjson.dumps(sent).decode()


async def test_thoughts_come_first_and_the_model_goes_on_thinking() -> None:
    body = await asked(MESSAGES, turn(read(MESSAGES, THOUGHT)), effort="high")

    kinds = [part["type"] for part in body["messages"][1]["content"]]
    assert kinds == ["thinking", "redacted_thinking", "text", "tool_use", "tool_use"]
    assert body["thinking"]["type"] == "enabled"


async def test_nobody_else_gets_it() -> None:
    for model, events in ((CHAT, chat(chat_call(0, extra_content=SIGNED))), (MESSAGES, THOUGHT)):
        for other in ("compatible:other", "anthropic:claude-sonnet-4-5", RESPONSES):
            sent = orjson.dumps(await asked(other, turn(read(model, events)))).decode()
            assert "c2ln" not in sent
            assert "EqQB" not in sent


def read(model: str, events: Sequence[bytes]) -> list[ToolCall]:
    spec = ModelSpec.parse(model)
    settings = ProviderSettings(openai_api_key="k", compatible_base_url="http://x", anthropic_api_key="k")
    chosen = Models(spec, spec, settings).choose(Tier.FAST, None, None)
    reader = DIALECTS[chosen.dialect].reader(chosen)
    data = [one.rpartition(b"data: ")[2].strip() for one in events]
    deltas = [*reader.deltas(data), *reader.rest()]
    # As it is after it was stored.
    calls = [delta for delta in deltas if isinstance(delta, ToolCall)]
    stored = [orjson.loads(orjson.dumps(call.carried)) for call in calls]
    return [
        ToolCall(call.call_id, call.name, call.arguments_json, kept)
        for call, kept in zip(calls, stored, strict=True)
    ]


def turn(calls: Sequence[ToolCall]) -> Prompt:
    outcomes = [Outcome(call.call_id, "rain") for call in calls]
    return Prompt("", (), "Weather?", rounds=(Round("I look.", calls, outcomes),))


def without_by(call: ToolCall) -> dict[str, Any]:
    return {name: value for name, value in (call.carried or {}).items() if name != "by"}
