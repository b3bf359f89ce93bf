"""A small model server over real HTTP: it answers each path as it is told, and keeps what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

# A path's answer: JSON, or a function of the call's body that gives a status and a body.
Answer = Callable[[dict[str, Any]], tuple[int, bytes]]


@dataclass
class ModelServer:
    answers: Mapping[str, Any]
    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int((head.partition("content-length: ")[2].partition("\r")[0]) or 0)
                body = orjson.loads(await reader.readexactly(length) or b"{}")
                path = head.split()[1]
                self.keys |= {head.partition("authorization: bearer ")[2].partition("\r")[0]} - {""}
                self.asked.append((path, body))
                status, content = self._answer(path, body)
                is_stream = content.startswith((b"event:", b"data:"))
                kind = "text/event-stream" if is_stream else "application/json"
                lines = (f"HTTP/1.1 {status} So", f"content-type: {kind}", f"content-length: {len(content)}")
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        answer = self.answers.get(path)
        if answer is None:
            return 404, b'{"error": {"message": "no such path"}}'
        return answer(body) if callable(answer) else (200, orjson.dumps(answer))


@asynccontextmanager
async def model_server(answers: Mapping[str, Any]) -> AsyncIterator[ModelServer]:
    found = ModelServer(answers)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        server.close()


def refusal(message: str, status: int = 400) -> tuple[int, bytes]:
    return status, orjson.dumps({"error": {"message": message, "type": "invalid_request_error"}})


def event(kind: str, **data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **data}))


def said(text: str) -> tuple[int, bytes]:
    """An answer of the Responses API."""
    delta = event("response.output_text.delta", item_id="m", output_index=0, content_index=0, delta=text)
    return 200, delta + _completed()


def called(name: str) -> tuple[int, bytes]:
    """One that asks for a tool."""
    item = {"type": "function_call", "id": "f", "call_id": "c", "name": name, "arguments": "{}"}
    done = event("response.output_item.done", output_index=0, item=item)
    return 200, done + _completed()


def _completed() -> bytes:
    usage = {"input_tokens": 9, "output_tokens": 40}
    response = {"id": "r", "model": "m", "status": "completed", "usage": usage}
    return event("response.completed", response=response)


def chat_said(text: str) -> tuple[int, bytes]:
    """An answer of chat completions."""
    return _chunks({"content": text}, "stop")


def chat_called(name: str) -> tuple[int, bytes]:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": name, "arguments": "{}"}}
    return _chunks({"tool_calls": [call]}, "tool_calls")


def _chunks(delta: dict[str, Any], finish_reason: str) -> tuple[int, bytes]:
    choices: list[dict[str, Any]] = [
        {"delta": delta, "finish_reason": None},
        {"delta": {}, "finish_reason": finish_reason},
    ]
    events = [orjson.dumps({"id": "r", "model": "m", "choices": [{"index": 0, **one}]}) for one in choices]
    return 200, b"".join(b"data: %b\n\n" % one for one in (*events, b"[DONE]"))
