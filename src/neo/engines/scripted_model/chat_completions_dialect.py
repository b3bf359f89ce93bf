"""OpenAI chat completions."""

from typing import Any

import orjson

from neo.engines.scripted_model.reply import AskedCall, Reply
from neo.engines.scripted_model.responses_dialect import ResponsesDialect


class ChatCompletionsDialect:
    name = "chat"

    def writer(self, reply: Reply) -> "ChatCompletionsWriter":
        return ChatCompletionsWriter(reply)

    def body(self, reply: Reply) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None}
        if reply.reasoning:
            message["reasoning_content"] = "".join(reply.reasoning)
        if reply.calls:
            message["tool_calls"] = [_tool_call(call) for call in reply.calls]
        return {
            **_shell(reply, "chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": _finish_reason(reply)}],
            "usage": _usage(reply),
        }

    def error_body(self, status: int, code: str | None, message: str) -> dict[str, Any]:
        return ResponsesDialect().error_body(status, code, message)


class ChatCompletionsWriter:
    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        before, after = orjson.dumps(self._chunk({"content": 0})).split(b'"content":0')
        self._before, self._after = b"data: " + before + b'"content":', after + b"\n\n"

    def start(self) -> bytes:
        return self._data(self._chunk({"role": "assistant", "content": ""}))

    def reasoning(self, word: str) -> bytes:
        return self._data(self._chunk({"reasoning_content": word}))

    def word(self, word: str) -> bytes:
        return self._before + orjson.dumps(word) + self._after

    def end(self) -> bytes:
        tools = b"".join(
            self._data(self._chunk({"tool_calls": [{"index": index, **_tool_call(call)}]}))
            for index, call in enumerate(self._reply.calls)
        )
        end = self._data(self._chunk({}, _finish_reason(self._reply)))
        usage = {**_shell(self._reply, "chat.completion.chunk"), "choices": [], "usage": _usage(self._reply)}
        return tools + end + self._data(usage) + b"data: [DONE]\n\n"

    def error(self, code: str | None) -> bytes:
        return self._data(ResponsesDialect().error_body(500, code, "The scripted model failed."))

    def failed(self, code: str | None) -> bytes:
        return self.error(code)

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**_shell(self._reply, "chat.completion.chunk"), "choices": [choice], "usage": None}

    @staticmethod
    def _data(data: dict[str, Any]) -> bytes:
        return b"data: %b\n\n" % orjson.dumps(data)


def _shell(reply: Reply, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{reply.id}", "object": kind, "created": reply.created_at, "model": reply.model}


def _finish_reason(reply: Reply) -> str:
    if reply.is_truncated:
        return "length"
    return "tool_calls" if reply.calls else "stop"


def _tool_call(call: AskedCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.call_id, "type": "function", "function": function}


def _usage(reply: Reply) -> dict[str, Any]:
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": len(reply.reasoning)},
    }
