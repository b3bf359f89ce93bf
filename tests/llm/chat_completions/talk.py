"""What a compatible server sends, and what comes of it over real HTTP."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import orjson

from llm.asking import Received
from llm.raw_provider import HEAD, raw_provider
from neo.llm import (
    Completed,
    FinishReason,
    Models,
    ModelSpec,
    Prompt,
    ProviderSettings,
    ReasoningDelta,
    TextDelta,
    Tier,
    ToolCall,
    Traits,
)

HELLO = Prompt("Be kind.", (), "hello")
DONE = b"data: [DONE]\n\n"


def data(**event: Any) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(event)


def chunk(*, finish: Any = None, **delta: Any) -> bytes:
    return choice({"index": 0, "delta": delta, "finish_reason": finish})


def choice(*choices: Any, **event: Any) -> bytes:
    return data(id="c1", object="chat.completion.chunk", model="m", choices=choices, **event)


def said(text: Any) -> bytes:
    return chunk(content=text)


def thought(text: str, name: str = "reasoning_content") -> bytes:
    return chunk(**{name: text})


def called(arguments: Any = "", *, index: int | None = 0, name: Any = None, call_id: Any = None) -> bytes:
    return chunk(tool_calls=[a_call(arguments, index=index, name=name, call_id=call_id)])


def a_call(arguments: Any = "", *, index: int | None = 0, name: Any = None, call_id: Any = None) -> Any:
    function = {"arguments": arguments, **({"name": name} if name is not None else {})}
    ids = {"id": call_id} if call_id is not None else {}
    return {
        **({"index": index} if index is not None else {}),
        **ids,
        "type": "function",
        "function": function,
    }


STOP = chunk(finish="stop")
CALLS = chunk(finish="tool_calls")


def usage(prompt: Any, completion: Any, **more: Any) -> bytes:
    return choice(usage={"prompt_tokens": prompt, "completion_tokens": completion, **more})


@dataclass(frozen=True)
class Told:
    """What comes of an answer."""

    text: str = ""
    reasoning: str = ""
    calls: Sequence[tuple[str, str]] = ()
    finish: FinishReason = "stop"

    @staticmethod
    def of(received: Received) -> "Told":
        return Told(
            text=received.text,
            reasoning="".join(delta.text for delta in received.deltas if isinstance(delta, ReasoningDelta)),
            calls=[
                (delta.name, delta.arguments_json) for delta in received.deltas if isinstance(delta, ToolCall)
            ],
            finish=received.completed.finish_reason,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Told) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self.text)

    def _all(self) -> tuple[object, ...]:
        return self.text, self.reasoning, list(self.calls), self.finish


async def answered(
    *writes: bytes,
    model: str = "some-model",
    traits: Traits | None = None,
    head: bytes = HEAD,
    ends: bool = True,
    pause_seconds: float = 0,
    idle_seconds: float = 5,
    into: Received | None = None,
) -> Received:
    received = into or Received()
    spec = ModelSpec.parse(f"compatible:{model}")
    async with raw_provider(*writes, head=head, ends=ends, pause_seconds=pause_seconds) as provider:
        settings = ProviderSettings(
            compatible_base_url=f"{provider.url}/v1", idle_seconds=idle_seconds, thinking_seconds=idle_seconds
        )
        models = Models(spec, spec, settings)
        chosen = models.choose(Tier.FAST, None, None)
        chosen = replace(chosen, traits=traits) if traits else chosen
        try:
            async with aclosing(models.answer(chosen, HELLO)) as deltas:
                async for delta in deltas:
                    received.deltas.append(delta)
        finally:
            await models.aclose()
    return received


async def told(*writes: bytes, **options: Any) -> Told:
    return Told.of(await answered(*writes, **options))


async def ended(*writes: bytes, **options: Any) -> Completed:
    return (await answered(*writes, **options)).completed


def text_deltas(received: Received) -> list[str]:
    return [delta.text for delta in received.deltas if isinstance(delta, TextDelta)]
