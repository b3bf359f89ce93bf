"""The calls of tools and their outcomes in a request, judged as the strictest provider does."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

# OpenAI's limits for chat completions.
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class MalformedRequestError(Exception):
    """The body is not a request of its dialect."""


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a conversation: somebody's words, a call of a tool, or its outcome."""

    kind: Literal["user", "assistant", "call", "outcome"]
    call_id: str = ""
    text: str = ""
    arguments: str = "{}"


def items_of(message: Mapping[str, Any]) -> Iterator[Item]:
    """What a message holds, in any dialect's form."""
    match message:
        case {"type": "function_call", "call_id": call_id, "name": name, "arguments": str(arguments)}:
            yield _call(call_id, name, arguments)
        case {"type": "function_call_output", "call_id": str(call_id), "output": output}:
            yield Item("outcome", call_id, text_of(output))
        case {"role": "tool", "tool_call_id": str(call_id)}:
            yield Item("outcome", call_id, text_of(message.get("content")))
        case {"role": "user" | "assistant" as role}:
            yield from _of_content(role, message.get("content"))
            yield from map(_function, message.get("tool_calls") or ())
        case {"type": "function_call" | "function_call_output"} | {"role": "tool"}:
            raise MalformedRequestError("A call of a tool, or its outcome, lacks a field.")


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def _of_content(role: Literal["user", "assistant"], content: Any) -> Iterator[Item]:
    for block in content if isinstance(content, list) else (content,):
        match block:
            case {"type": "tool_use", "id": call_id, "name": name, "input": dict()}:
                yield _call(call_id, name)
            case {"type": "tool_result", "tool_use_id": str(call_id)}:
                yield Item("outcome", call_id, text_of(block.get("content")))
            case {"type": "tool_use" | "tool_result"}:
                raise MalformedRequestError("A call of a tool, or its outcome, lacks a field.")
            case _:
                yield Item(role)


def _function(call: Any) -> Item:
    match call:
        case {"type": "function", "id": call_id, "function": {"name": name, "arguments": str(arguments)}}:
            return _call(call_id, name, arguments)
    raise MalformedRequestError("A call of a tool lacks a field.")


def _call(call_id: Any, name: Any, arguments: str = "{}") -> Item:
    for value, allowed in ((call_id, _ID), (name, _NAME)):
        if not isinstance(value, str) or not allowed.fullmatch(value):
            raise MalformedRequestError(f"{value!r} does not match {allowed.pattern!r}.")
    return Item("call", call_id, arguments=arguments)


def judge_strictly(items: Iterable[Item], *, has_tools: bool) -> None:
    """What only some providers refuse."""
    for item in items:
        if item.kind in ("call", "outcome") and not has_tools:
            raise MalformedRequestError("A conversation with calls of tools needs tools.")
        if item.kind == "call" and not _is_object(item.arguments):
            raise MalformedRequestError(f"The arguments of the call {item.call_id} are not a JSON object.")


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


class Rounds:
    """What a model has asked for since the last user message, and what it was given, round by round.

    Each call has its outcome, once, before anything else is said.
    """

    def __init__(self, asked: Iterable[str] = (), count: int = 0) -> None:
        """The ids that a continued answer has asked for, and the rounds of its turn with these."""
        self.count = count
        self.outcomes: list[str] = []
        self._open = list(asked)
        self._seen = set(self._open)
        self._is_asking = bool(self._open)

    def read(self, items: Iterable[Item]) -> "Rounds":
        for item in items:
            match item.kind:
                case "call":
                    self._ask(item.call_id)
                case "outcome":
                    self._answer(item)
                case _:
                    self._say(item)
        self._expect_none_open()
        return self

    def _ask(self, call_id: str) -> None:
        if call_id in self._seen:
            raise MalformedRequestError(f"Two calls have the id {call_id}.")
        if not self._is_asking:
            self._expect_none_open()
            self.count, self.outcomes, self._is_asking = self.count + 1, [], True
        self._open.append(call_id)
        self._seen.add(call_id)

    def _answer(self, item: Item) -> None:
        if item.call_id not in self._open:
            raise MalformedRequestError(
                f"No tool call found for function call output with call_id {item.call_id}."
            )
        self._is_asking = False
        self._open.remove(item.call_id)
        self.outcomes.append(item.text)

    def _say(self, item: Item) -> None:
        self._expect_none_open()
        self._is_asking = False
        if item.kind == "user":
            self.count, self.outcomes = 0, []

    def _expect_none_open(self) -> None:
        if self._open:
            raise MalformedRequestError(f"No tool output found for function call {self._open[0]}.")
