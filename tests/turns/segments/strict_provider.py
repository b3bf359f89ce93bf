"""A provider that refuses what real servers refuse, by rules of its own, over real HTTP, in each dialect."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import orjson

from llm.raw_provider import completed, event, refusal_head, said

Body = dict[str, Any]
# The status and the body of a refusal.
Refused = tuple[int, Any]
Rule = Callable[[Body], Refused | None]
# With each call it gives what servers of its kind do: a signature, a signed thought, or a sealed one.
GIVEN = {"extra_content": {"google": {"thought_signature": "c2VhbGVk"}}}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


@dataclass
class StrictProvider:
    rules: tuple[Rule, ...]
    # What it says, the last one from then on. A call of a tool is its arguments, after an equals sign.
    answers: tuple[str, ...] = ("ok",)
    port: int = 0
    asked: list[Body] = field(default_factory=list)
    answered: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().partition("content-length: ")[2].partition("\r")[0])
            body = orjson.loads(await reader.readexactly(length))
            self.asked.append(body)
            writer.write(self._answer(head, body))
            await writer.drain()
        finally:
            writer.close()

    def _answer(self, head: str, body: Body) -> bytes:
        for rule in self.rules:
            if (refused := rule(body)) is not None:
                status, said_why = refused
                return refusal_head(status, orjson.dumps(said_why), "connection: close")
        text = self.answers[min(self.answered, len(self.answers) - 1)]
        self.answered += 1
        path = head.partition(" ")[2].partition(" ")[0]
        dialect = _chat if "completions" in path else _messages if "messages" in path else _responses
        return HEAD + b"".join(dialect(text, self.answered))


def _responses(text: str, number: int) -> Iterator[bytes]:
    if text.startswith("="):
        call = {
            "type": "function_call",
            "call_id": f"call_{number}",
            "name": "look_up",
            "arguments": text[1:],
        }
        sealed = {"type": "reasoning", "id": f"rs_{number}", "summary": [], "encrypted_content": "c2VhbGVk"}
        yield event("response.output_item.done", item=sealed)
        yield event("response.output_item.done", item=call)
    elif text:
        yield said(text)
    yield completed(id=f"resp_{number}")


def _chat(text: str, number: int) -> Iterator[bytes]:
    delta: Body = {"content": text}
    if text.startswith("="):
        function = {"name": "look_up", "arguments": text[1:]}
        delta = {
            "tool_calls": [
                {"index": 0, "id": f"call_{number}", "type": "function", "function": function, **GIVEN}
            ]
        }
    for choice in ({"delta": delta}, {"delta": {}, "finish_reason": "stop"}):
        chunk = {"id": f"chat_{number}", "model": "m", "choices": [{"index": 0, **choice}]}
        yield b"data: %b\n\n" % orjson.dumps(chunk)
    yield b"data: [DONE]\n\n"


def _messages(text: str, number: int) -> Iterator[bytes]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    yield event("message_start", message={"id": f"msg_{number}", "model": "m", "usage": usage})
    block: Body = {"type": "text", "text": ""}
    delta: Body = {"type": "text_delta", "text": text}
    if text.startswith("="):
        thought = {"type": "thinking", "thinking": "Well.", "signature": "c2VhbGVk"}
        yield event("content_block_start", index=0, content_block=thought)
        yield event("content_block_stop", index=0)
        block = {"type": "tool_use", "id": f"call_{number}", "name": "look_up", "input": {}}
        delta = {"type": "input_json_delta", "partial_json": text[1:]}
    yield event("content_block_start", index=1, content_block=block)
    yield event("content_block_delta", index=1, delta=delta)
    yield event("content_block_stop", index=1)
    yield event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)
    yield event("message_stop")


def texts(body: Body) -> list[str]:
    """Every text of a call, whatever its dialect."""
    return list(_texts([body.get(name) for name in ("instructions", "system", "messages", "input")]))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for name in ("content", "text", "arguments", "output"):
            yield from _texts(value.get(name))


def answer_limit(body: Body) -> int:
    names = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    return next(int(body[name]) for name in names if name in body)


def window(tokens: int, words: str, *, per_character: float = 0.25, with_answer: bool = True) -> Rule:
    """Refuses what its window cannot hold, by a count of its own; the words may have the numbers in them."""

    def rule(body: Body) -> Refused | None:
        prompt = round(sum(map(len, texts(body))) * per_character)
        answer = answer_limit(body) if with_answer else 0
        said_why = words.format(window=tokens, prompt=prompt, answer=answer, total=prompt + answer)
        return (400, {"error": {"message": said_why, "code": 400}}) if prompt + answer > tokens else None

    return rule


def refuses(holds: Callable[[Body], bool], words: str, status: int = 400, **fields: Any) -> Rule:
    error = {"message": words, **fields}
    return lambda body: (status, {"error": error}) if holds(body) else None


def has_images(body: Body) -> bool:
    return b'"image' in orjson.dumps(body)


def has_system(body: Body) -> bool:
    said_by = [one.get("role") for one in body.get("messages", [])]
    return bool(body.get("instructions") or body.get("system") or "system" in said_by)


def is_blank(body: Body) -> bool:
    """Whether a text is: beside calls a chat completion has none, which is said by an empty one."""
    said = [one for one in body.get("messages") or () if not one.get("tool_calls")]
    return any(not text.strip() for text in texts({**body, "messages": said}))


def repeats_a_role(body: Body) -> bool:
    said_by = [one.get("role") for one in body.get("messages") or body["input"]]
    return any(role in ("user", "assistant") and role == after for role, after in pairwise(said_by))


@asynccontextmanager
async def strict_provider(*rules: Rule, answers: tuple[str, ...] = ("ok",)) -> AsyncIterator[StrictProvider]:
    provider = StrictProvider(rules, answers)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()
