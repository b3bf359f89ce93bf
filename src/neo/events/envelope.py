"""The UI message chunks that Neo sends: Vercel AI SDK v6, with no key beside the SDK's."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from neo.events.entry import EventKind

# A longer text becomes several deltas, so that no single frame fills a reader's buffer.
DELTA_CHARACTERS_MAX = 16_384
# A cut moves forward by this to keep a character with its marks together. Longer heaps of marks are nobody's language.
MARKS_MAX = 32
_JOINER = "\u200d"
# The JSON writer's largest integer.
INTEGER_MAX = 2**63 - 1

_TERMINAL = frozenset({"finish", "error", "abort"})
_DELTAS = frozenset({"text-delta", "reasoning-delta"})
_PART_BEGINS = frozenset({"text-start", "reasoning-start"})
_WAITING = "data-turn-waiting"


class Chunk(NamedTuple):
    """One UI message chunk. `part` is the id of the text, reasoning or tool part that it is about."""

    type: str
    body: Mapping[str, Any] = MappingProxyType({})
    part: str | None = None

    @property
    def kind(self) -> EventKind:
        if self.type in _TERMINAL:
            return EventKind.TERMINAL
        if self.type == _WAITING:
            return EventKind.WAITING
        return EventKind.PROGRESS if self.is_tool or self.type.startswith("reasoning-") else EventKind.CORE

    @property
    def is_tool(self) -> bool:
        return self.type.startswith("tool-")

    @property
    def begins_part(self) -> bool:
        """It begins a text or a reasoning, which counts only if its claim is the one that settles."""
        return self.type in _PART_BEGINS

    def wire(self) -> dict[str, Any]:
        """The chunk as it is sent, and as it may be stored."""
        wire: dict[str, Any] = {"type": self.type}
        if self.part is not None:
            wire["toolCallId" if self.is_tool else "id"] = self.part
        wire.update(self.body)
        return wire

    def encode(self) -> bytes:
        """One line of JSON: JSON itself escapes CR and LF, and SSE knows no other line end."""
        wire = self.wire()
        try:
            return orjson.dumps(wire)
        except orjson.JSONEncodeError:
            return orjson.dumps(_scrubbed(wire))


def merge(before: Chunk, after: Chunk) -> Chunk | None:
    """Both deltas as one, when they go on with the same part and the whole is not too long."""
    if before.type not in _DELTAS or after.type != before.type or after.part != before.part:
        return None
    delta = before.body["delta"] + after.body["delta"]
    return None if len(delta) > DELTA_CHARACTERS_MAX else Chunk(before.type, {"delta": delta}, before.part)


def split(chunk: Chunk) -> Iterator[Chunk]:
    """The chunk, or its delta as several that are short enough. No character is cut from its marks."""
    text = chunk.body.get("delta", "") if chunk.type in _DELTAS else ""
    if len(text) <= DELTA_CHARACTERS_MAX:
        yield chunk
        return
    begin = 0
    while begin < len(text):
        end = _cut(text, begin + DELTA_CHARACTERS_MAX - MARKS_MAX)
        yield Chunk(chunk.type, {"delta": text[begin:end]}, chunk.part)
        begin = end


def _cut(text: str, at: int) -> int:
    """Where to cut at `at`, or a little behind it."""
    for end in range(at, min(at + MARKS_MAX, len(text))):
        if not _belongs_to_what_precedes(text[end]) and text[end - 1] != _JOINER:
            return end
    return min(at + MARKS_MAX, len(text))


def _belongs_to_what_precedes(character: str) -> bool:
    is_low_half = "\udc00" <= character <= "\udfff"
    return is_low_half or character == _JOINER or unicodedata.category(character) in {"Mn", "Me", "Mc"}


def start(message_id: str, metadata: Mapping[str, Any] | None = None) -> Chunk:
    return Chunk("start", {"messageId": message_id} | _metadata(metadata))


def start_step() -> Chunk:
    return Chunk("start-step")


def text_start(part: str) -> Chunk:
    return Chunk("text-start", part=part)


def text_delta(part: str, delta: str) -> Chunk:
    return Chunk("text-delta", {"delta": delta}, part)


def text_end(part: str) -> Chunk:
    return Chunk("text-end", part=part)


def reasoning_start(part: str) -> Chunk:
    return Chunk("reasoning-start", part=part)


def reasoning_delta(part: str, delta: str) -> Chunk:
    return Chunk("reasoning-delta", {"delta": delta}, part)


def reasoning_end(part: str) -> Chunk:
    return Chunk("reasoning-end", part=part)


# Tools are not known when a client is built, so each chunk about a call says that its tool is a dynamic one.
_DYNAMIC = {"dynamic": True}


def tool_input_start(call_id: str, tool_name: str) -> Chunk:
    return Chunk("tool-input-start", {"toolName": tool_name, **_DYNAMIC}, call_id)


def tool_input_available(call_id: str, tool_name: str, tool_input: Any, title: str | None = None) -> Chunk:
    body = {"toolName": tool_name, "input": tool_input, **_DYNAMIC}
    return Chunk("tool-input-available", body if title is None else {**body, "title": title}, call_id)


def tool_input_error(call_id: str, tool_name: str, tool_input: Any, error_text: str) -> Chunk:
    """A call that is not made: there is no such tool, or it does not take this."""
    body = {"toolName": tool_name, "input": tool_input, "errorText": error_text, **_DYNAMIC}
    return Chunk("tool-input-error", body, call_id)


def tool_approval_request(call_id: str) -> Chunk:
    return Chunk("tool-approval-request", {"approvalId": call_id}, call_id)


def tool_output_available(call_id: str, output: Any) -> Chunk:
    return Chunk("tool-output-available", {"output": output, **_DYNAMIC}, call_id)


def tool_output_denied(call_id: str) -> Chunk:
    return Chunk("tool-output-denied", part=call_id)


def tool_output_error(call_id: str, error_text: str) -> Chunk:
    return Chunk("tool-output-error", {"errorText": error_text, **_DYNAMIC}, call_id)


def finish_step() -> Chunk:
    return Chunk("finish-step")


def message_metadata(metadata: Mapping[str, Any]) -> Chunk:
    return Chunk("message-metadata", _metadata(metadata))


def finish(reason: str, metadata: Mapping[str, Any] | None = None) -> Chunk:
    return Chunk("finish", {"finishReason": reason} | _metadata(metadata))


def error(text: str) -> Chunk:
    return Chunk("error", {"errorText": text})


def abort(reason: str | None = None) -> Chunk:
    return Chunk("abort", {} if reason is None else {"reason": reason})


def turn_restarted(segment: int, step: int, part_ids: Sequence[str]) -> Chunk:
    """The step is begun anew: what was said from its `start-step` on, the named parts, no longer counts."""
    data = {"segment": segment, "step": step, "part_ids": list(part_ids)}
    return Chunk("data-turn-restarted", {"data": data})


def turn_waiting(data: Mapping[str, Any]) -> Chunk:
    """The turn goes on when somebody has decided, or a call has ended: what it waits for, and where to go on."""
    return Chunk(_WAITING, {"data": dict(data)})


def of_wire(wire: Mapping[str, Any]) -> Chunk:
    """A chunk that was stored as it is sent."""
    return Chunk(wire["type"], {key: value for key, value in wire.items() if key != "type"})


def stream_reset(turn_no: int, reason: str) -> Chunk:
    # Kept in the message, unlike a transient chunk, so that a view can cut there.
    return Chunk("data-stream-reset", {"data": {"turn_no": turn_no, "reason": reason}})


def _metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    return {} if metadata is None else {"messageMetadata": metadata}


def _scrubbed(value: Any) -> Any:
    """The same as JSON can carry it: half a surrogate pair from a model must not end its turn."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {_scrubbed(str(key)): _scrubbed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(item) for item in value]
    if isinstance(value, int) and abs(value) > INTEGER_MAX:
        return str(value)
    return value
