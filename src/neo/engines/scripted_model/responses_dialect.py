"""OpenAI Responses."""

from typing import Any

import orjson

from neo.engines.scripted_model.dialect import event
from neo.engines.scripted_model.reply import AskedCall, Reply

_WORD = (
    b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","sequence_number":%d,"item_id":"%b","output_index":%d,'
    b'"content_index":0,"delta":%b,"logprobs":[]}\n\n'
)


class ResponsesDialect:
    name = "responses"

    def writer(self, reply: Reply) -> "ResponsesWriter":
        return ResponsesWriter(reply)

    def body(self, reply: Reply) -> dict[str, Any]:
        status = "incomplete" if reply.is_truncated else "completed"
        return {
            **_shell(reply, status),
            "incomplete_details": {"reason": "max_output_tokens"} if reply.is_truncated else None,
            "output": _output(reply),
            "usage": {
                "input_tokens": reply.input_tokens,
                "input_tokens_details": {"cached_tokens": reply.cached_tokens, "cache_write_tokens": 0},
                "output_tokens": reply.output_tokens,
                "output_tokens_details": {"reasoning_tokens": len(reply.reasoning)},
                "total_tokens": reply.input_tokens + reply.output_tokens,
            },
        }

    def error_body(self, status: int, code: str | None, message: str) -> dict[str, Any]:
        kind = "invalid_request_error" if status < 500 else "server_error"  # noqa: PLR2004 - HTTP's own line.
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}


class ResponsesWriter:
    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._sent = -1
        self._index = 0
        self._open: str | None = None

    def start(self) -> bytes:
        shell = _shell(self._reply, "in_progress")
        return self._event("response.created", response=shell) + self._event(
            "response.in_progress", response=shell
        )

    def reasoning(self, word: str) -> bytes:
        return self._begin("rs") + self._event(
            "response.reasoning_summary_text.delta",
            item_id=f"rs_{self._reply.id}",
            output_index=0,
            summary_index=0,
            delta=word,
        )

    def word(self, word: str) -> bytes:
        begun = self._begin("msg")
        self._sent += 1
        item_id = f"msg_{self._reply.id}".encode()
        return begun + _WORD % (self._sent, item_id, self._index, orjson.dumps(word))

    def end(self) -> bytes:
        # An empty answer still has its message, as OpenAI's has, unless a tool was all it wanted.
        begun = b"" if self._reply.words or self._reply.calls else self._begin("msg")
        tools = self._end() + b"".join(map(self._tool_call, self._reply.calls))
        whole = ResponsesDialect().body(self._reply)
        return begun + tools + self._event(f"response.{whole['status']}", response=whole)

    def error(self, code: str | None) -> bytes:
        return self._event("error", code=code, message="The scripted model failed.", param=None)

    def failed(self, code: str | None) -> bytes:
        error = {"code": code or "server_error", "message": "The scripted model failed."}
        return self._event("response.failed", response={**_shell(self._reply, "failed"), "error": error})

    def _event(self, kind: str, **data: Any) -> bytes:
        self._sent += 1
        return event({"type": kind, "sequence_number": self._sent, **data})

    def _begin(self, prefix: str) -> bytes:
        if self._open == prefix:
            return b""
        ended = self._end()
        self._open = prefix
        item = {"id": f"{prefix}_{self._reply.id}", "status": "in_progress"}
        if prefix == "rs":
            added = self._item_event("added", {**item, "type": "reasoning", "summary": []})
            return ended + added + self._part_event("reasoning_summary_part", "added", _summary(""))
        added = self._item_event("added", {**item, "type": "message", "role": "assistant", "content": []})
        return ended + added + self._part_event("content_part", "added", _content(""))

    def _end(self) -> bytes:
        ended = self._open
        if ended is None:
            return b""
        if ended == "rs":
            part = self._part_event(
                "reasoning_summary_part", "done", _summary("".join(self._reply.reasoning))
            )
            done = self._item_event("done", _reasoning(self._reply))
        else:
            part = self._part_event("content_part", "done", _content(self._reply.text))
            done = self._item_event("done", _message(self._reply))
        self._open = None
        self._index += 1
        return part + done

    def _tool_call(self, call: AskedCall) -> bytes:
        item = _tool_call(call)
        begun = self._item_event("added", {**item, "arguments": "", "status": "in_progress"})
        where = {"item_id": item["id"], "output_index": self._index}
        delta = self._event("response.function_call_arguments.delta", **where, delta=call.arguments)
        done = self._event("response.function_call_arguments.done", **where, arguments=call.arguments)
        ended = self._item_event("done", item)
        self._index += 1
        return begun + delta + done + ended

    def _item_event(self, what: str, item: dict[str, Any] | None) -> bytes:
        return self._event(f"response.output_item.{what}", output_index=self._index, item=item)

    def _part_event(self, kind: str, what: str, part: dict[str, Any]) -> bytes:
        index = "summary_index" if kind == "reasoning_summary_part" else "content_index"
        where: dict[str, Any] = {"item_id": f"{self._open}_{self._reply.id}", "output_index": self._index}
        return self._event(f"response.{kind}.{what}", **where, **{index: 0}, part=part)


def _shell(reply: Reply, status: str) -> dict[str, Any]:
    return {
        "id": f"resp_{reply.id}",
        "object": "response",
        "created_at": reply.created_at,
        "status": status,
        "model": reply.model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None,
    }


def _summary(text: str) -> dict[str, Any]:
    return {"type": "summary_text", "text": text}


def _content(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _output(reply: Reply) -> list[dict[str, Any]]:
    said = [item for item in (_reasoning(reply), _message(reply)) if item]
    return [*said, *map(_tool_call, reply.calls)]


def _reasoning(reply: Reply) -> dict[str, Any] | None:
    if not reply.reasoning:
        return None
    return {"id": f"rs_{reply.id}", "type": "reasoning", "summary": [_summary("".join(reply.reasoning))]}


def _message(reply: Reply) -> dict[str, Any] | None:
    if not reply.words and reply.calls:
        return None
    content = [_content(reply.text)]
    kind = {"type": "message", "role": "assistant", "status": "completed"}
    return {"id": f"msg_{reply.id}", **kind, "content": content}


def _tool_call(call: AskedCall) -> dict[str, Any]:
    asked = {"call_id": call.call_id, "name": call.name, "arguments": call.arguments}
    return {"id": f"fc_{call.call_id}", "type": "function_call", "status": "completed", **asked}
