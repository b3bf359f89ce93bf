"""A conversation with the scripted model in plain HTTP, with calls of tools, in each dialect."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx2
import orjson

PATHS = {"responses": "/v1/responses", "chat": "/v1/chat/completions", "messages": "/v1/messages"}

Message: TypeAlias = dict[str, Any]
AskedCall: TypeAlias = tuple[str, str, str]


@dataclass
class Answer:
    text: str = ""
    calls: list[AskedCall] = field(default_factory=list)


def _responses(kind: str, call_id: str) -> Message:
    if kind == "call":
        return {"type": "function_call", "call_id": call_id, "name": "look_up", "arguments": "{}"}
    if kind == "outcome":
        return {"type": "function_call_output", "call_id": call_id, "output": "found"}
    return {"role": kind, "content": "words"}


def _chat(kind: str, call_id: str) -> Message:
    if kind == "call":
        call = {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if kind == "outcome":
        return {"role": "tool", "tool_call_id": call_id, "content": "found"}
    return {"role": kind, "content": "words"}


def _messages(kind: str, call_id: str) -> Message:
    if kind == "call":
        use = {"type": "tool_use", "id": call_id, "name": "look_up", "input": {}}
        return {"role": "assistant", "content": [use]}
    if kind == "outcome":
        result = {"type": "tool_result", "tool_use_id": call_id, "content": "found"}
        return {"role": "user", "content": [result]}
    return {"role": kind, "content": "words"}


# A message of each dialect by its kind (user, assistant, call, outcome) and the id of its call.
FORMS: dict[str, Callable[[str, str], Message]] = {
    "responses": _responses,
    "chat": _chat,
    "messages": _messages,
}


class Talk:
    """Sends the whole conversation with each call, as a client does that nobody remembers."""

    def __init__(self, http: httpx2.AsyncClient, dialect: str, model: str) -> None:
        self._http = http
        self._dialect = dialect
        self._model = model
        self._messages: list[Message] = [{"role": "user", "content": "hello"}]
        self._asked: list[AskedCall] = []

    async def ask(self, *outcomes: str, user: str | None = None, stream: bool = False) -> Answer:
        """The answer after the outcomes of the calls that the last answer asked for, or after a user's message."""
        call = self.call(*outcomes, user=user, stream=stream)
        response = await self._http.post(PATHS[self._dialect], json=call)
        assert response.status_code == 200, response.text
        answer = (streamed if stream else whole)(self._dialect, response)
        self._messages = [*call[self._field], *self._said(answer)]
        self._asked = answer.calls
        return answer

    def call(self, *outcomes: str, user: str | None = None, stream: bool = False) -> dict[str, Any]:
        given = [
            self._outcome(call_id, text)
            for (call_id, _, _), text in zip(self._asked, outcomes, strict=user is None)
        ]
        if self._dialect == "messages" and given:
            given = [{"role": "user", "content": given}]
        users = [{"role": "user", "content": user}] if user is not None else []
        return {
            "model": self._model,
            self._field: [*self._messages, *given, *users],
            "stream": stream,
        }

    @property
    def _field(self) -> str:
        return "input" if self._dialect == "responses" else "messages"

    def _outcome(self, call_id: str, text: str) -> Message:
        if self._dialect == "responses":
            return {"type": "function_call_output", "call_id": call_id, "output": text}
        if self._dialect == "chat":
            return {"role": "tool", "tool_call_id": call_id, "content": text}
        return {"type": "tool_result", "tool_use_id": call_id, "content": [{"type": "text", "text": text}]}

    def _said(self, answer: Answer) -> Iterator[Message]:
        if self._dialect == "responses":
            yield {"role": "assistant", "content": answer.text}
            for call_id, name, arguments in answer.calls:
                yield {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
        elif self._dialect == "chat":
            calls = [
                {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
                for call_id, name, arguments in answer.calls
            ]
            yield {"role": "assistant", "content": answer.text, "tool_calls": calls}
        else:
            uses = [
                {"type": "tool_use", "id": call_id, "name": name, "input": orjson.loads(arguments)}
                for call_id, name, arguments in answer.calls
            ]
            yield {"role": "assistant", "content": [{"type": "text", "text": answer.text}, *uses]}


def whole(dialect: str, response: httpx2.Response) -> Answer:
    body = response.json()
    if dialect == "responses":
        return _of_output(body["output"])
    if dialect == "chat":
        message = body["choices"][0]["message"]
        return Answer(message["content"], [_of_function(call) for call in message.get("tool_calls", [])])
    text = "".join(block["text"] for block in body["content"] if block["type"] == "text")
    uses = [block for block in body["content"] if block["type"] == "tool_use"]
    return Answer(text, [(use["id"], use["name"], orjson.dumps(use["input"]).decode()) for use in uses])


def _of_output(output: list[Message]) -> Answer:
    texts = [item["content"][0]["text"] for item in output if item["type"] == "message"]
    calls = [item for item in output if item["type"] == "function_call"]
    return Answer("".join(texts), [(call["call_id"], call["name"], call["arguments"]) for call in calls])


def _of_function(call: Message) -> AskedCall:
    return call["id"], call["function"]["name"], call["function"]["arguments"]


def streamed(dialect: str, response: httpx2.Response) -> Answer:
    events = [orjson.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]
    if dialect == "responses":
        items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
        assert items == events[-1]["response"]["output"]
        return _of_output(items)
    if dialect == "chat":
        deltas = [choice["delta"] for event in events for choice in event["choices"]]
        calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
        assert [call["index"] for call in calls] == list(range(len(calls)))
        return Answer("".join(delta.get("content", "") for delta in deltas), list(map(_of_function, calls)))
    begun = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    uses = [block for block in begun if block["type"] == "tool_use"]
    arguments = [delta["partial_json"] for delta in deltas if delta["type"] == "input_json_delta"]
    calls = [(use["id"], use["name"], given) for use, given in zip(uses, arguments, strict=True)]
    return Answer("".join(delta.get("text", "") for delta in deltas), calls)
