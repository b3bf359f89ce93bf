"""Turns what the model answers into the chunks that readers get and the message parts that are stored."""

from typing import Any

from neo.events import SegmentWriter, envelope
from neo.kit import as_digits
from neo.llm import Delta, ReasoningDelta, TextDelta, ToolCall
from neo.turns.models import ChatTurn


class Renderer:
    """Streams each delta of one attempt's answer to readers at once, and collects the whole: `UIMessage` parts, and the
    calls that the model asks for.
    """

    def __init__(self, writer: SegmentWriter) -> None:
        self._writer = writer
        self._parts: list[dict[str, Any]] = [{"type": "step-start"}]
        self._open: tuple[type, int] | None = None
        self._part_id = ""
        self.calls: list[ToolCall] = []

    @property
    def parts(self) -> list[dict[str, Any]]:
        return self._parts

    @property
    def has_text(self) -> bool:
        return any(part["type"] == "text" and part["text"] for part in self._parts)

    @property
    def has_begun(self) -> bool:
        """Whether anything of the answer has come."""
        return len(self._parts) > 1 or bool(self.calls)

    def add(self, delta: Delta) -> None:
        if isinstance(delta, TextDelta):
            self._continue(delta, "text")
            self._writer.write(envelope.text_delta(self._part_id, delta.text))
        elif isinstance(delta, ReasoningDelta):
            self._continue(delta, "reasoning")
            self._writer.write(envelope.reasoning_delta(self._part_id, delta.text))
        elif isinstance(delta, ToolCall):
            self.end_part()
            self.calls.append(delta)

    def end_part(self) -> None:
        if self._open is None:
            return
        is_text = self._open[0] is TextDelta
        self._writer.write(
            envelope.text_end(self._part_id) if is_text else envelope.reasoning_end(self._part_id)
        )
        self._open = None

    def _continue(self, delta: TextDelta | ReasoningDelta, kind: str) -> None:
        if self._open != (type(delta), delta.part):
            self.end_part()
            self._open = (type(delta), delta.part)
            self._part_id = self._writer.part_id(kind)
            self._parts.append({"type": kind, "text": "", "state": "done"})
            start = envelope.text_start if kind == "text" else envelope.reasoning_start
            self._writer.write(start(self._part_id))
        self._parts[-1]["text"] += delta.text


def is_progress(part: dict[str, Any]) -> bool:
    """Whether a stored part came from chunks that a session may hide: a reasoning, or a call of a tool."""
    return part["type"] in {"reasoning", "dynamic-tool"}


def start_chunk(turn: ChatTurn) -> envelope.Chunk:
    return envelope.start(
        str(turn.reply_message_id), {"chat_turn_id": str(turn.id), "model_tier": turn.model_tier}
    )


def terminal_chunk(turn: ChatTurn) -> envelope.Chunk:
    """The one chunk that ends a turn: the same whether it is streamed or replayed."""
    if turn.status == "COMPLETED":
        return envelope.finish(turn.finish_reason or "other", {"usage": usage_of(turn)})
    if turn.status == "CANCELLED":
        return envelope.abort("cancelled")
    return envelope.error(f"{turn.error_code}: {turn.error_message}")


def usage_of(turn: ChatTurn) -> dict[str, Any]:
    return {
        "model": turn.model,
        "provider": turn.provider,
        "region": turn.region,
        "input_tokens": turn.input_tokens,
        "output_tokens": turn.output_tokens,
        "cached_tokens": turn.cached_tokens,
        # As text: what a million tokens cost leaves more digits than other programs' numbers keep.
        "cost": None if turn.cost is None else as_digits(turn.cost),
        "first_token_ms": turn.first_token_ms,
        "total_ms": turn.total_ms,
        "omitted_messages": turn.omitted_messages,
    }
