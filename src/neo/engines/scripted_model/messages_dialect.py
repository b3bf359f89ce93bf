"""Anthropic messages."""

from typing import Any

import orjson

from neo.engines.scripted_model.dialect import event
from neo.engines.scripted_model.reply import AskedCall, Reply

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_WORD = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%b}}\n\n'
)


class MessagesDialect:
    name = "messages"

    def writer(self, reply: Reply) -> "MessagesWriter":
        return MessagesWriter(reply)

    def body(self, reply: Reply) -> dict[str, Any]:
        blocks: list[dict[str, Any]] = []
        if reply.reasoning:
            thinking = "".join(reply.reasoning)
            blocks.append({"type": "thinking", "thinking": thinking, "signature": "scripted"})
        if reply.words:
            blocks.append({"type": "text", "text": reply.text})
        blocks += [{**_tool_use(call), "input": _input(call)} for call in reply.calls]
        usage = {**_input_usage(reply), "output_tokens": reply.output_tokens}
        return {**_shell(reply), "content": blocks, "stop_reason": _stop_reason(reply), "usage": usage}

    def error_body(self, status: int, code: str | None, message: str) -> dict[str, Any]:
        # Anthropic has no code for a prompt that does not fit: the text says it.
        text = "prompt is too long: 9 tokens > 8 maximum" if code == "context_length_exceeded" else message
        kind = _KINDS.get(status, "invalid_request_error" if status < 500 else "api_error")  # noqa: PLR2004
        return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_scripted"}


class MessagesWriter:
    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._index = 0
        self._open: str | None = None

    def start(self) -> bytes:
        usage = {**_input_usage(self._reply), "output_tokens": 1}
        return event({"type": "message_start", "message": {**_shell(self._reply), "usage": usage}})

    def reasoning(self, word: str) -> bytes:
        begun = self._begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        return begun + self._delta({"type": "thinking_delta", "thinking": word})

    def word(self, word: str) -> bytes:
        begun = self._begin("text", {"type": "text", "text": ""})
        return begun + _WORD % (self._index, orjson.dumps(word))

    def end(self) -> bytes:
        tools = b"".join(map(self._tool_use, self._reply.calls))
        delta = {"stop_reason": _stop_reason(self._reply), "stop_sequence": None}
        usage = {"output_tokens": self._reply.output_tokens}
        stop = event({"type": "message_delta", "delta": delta, "usage": usage})
        return tools + self._end() + stop + event({"type": "message_stop"})

    def error(self, code: str | None) -> bytes:
        kind = "rate_limit_error" if code == "rate_limit_exceeded" else "overloaded_error"
        error = {"type": kind, "message": "The scripted model failed."}
        return event({"type": "error", "error": error})

    def failed(self, code: str | None) -> bytes:
        return self.error(code)

    def _tool_use(self, call: AskedCall) -> bytes:
        begun = self._begin(call.call_id, {**_tool_use(call), "input": {}})
        return begun + self._delta({"type": "input_json_delta", "partial_json": call.arguments})

    def _begin(self, name: str, block: dict[str, Any]) -> bytes:
        if self._open == name:
            return b""
        ended = self._end()
        self._open = name
        return ended + event({"type": "content_block_start", "index": self._index, "content_block": block})

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return event({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _end(self) -> bytes:
        if self._open is None:
            return b""
        ended = event({"type": "content_block_stop", "index": self._index})
        self._index, self._open = self._index + 1, None
        return ended


def _input(call: AskedCall) -> Any:
    try:
        return orjson.loads(call.arguments)
    except orjson.JSONDecodeError:
        # A whole answer has no place for what is no JSON.
        return {}


def _shell(reply: Reply) -> dict[str, Any]:
    kind = {"type": "message", "role": "assistant", "model": reply.model}
    return {"id": f"msg_{reply.id}", **kind, "content": [], "stop_reason": None, "stop_sequence": None}


def _input_usage(reply: Reply) -> dict[str, Any]:
    cache = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"input_tokens": reply.input_tokens, **cache}


def _stop_reason(reply: Reply) -> str:
    if reply.is_truncated:
        return "max_tokens"
    return "tool_use" if reply.calls else "end_turn"


def _tool_use(call: AskedCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.call_id, "name": call.name}
