"""What can be said of one call now: its outcome, that it is refused, or what it waits for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neo.calls import Ended, unknown_tool
from neo.events import Chunk, envelope
from neo.turns.models import ApprovalRequestRow, ToolCallRow

ENDED_WITHOUT_YES = {
    "REJECTED": "The request for this call was rejected.",
    "EXPIRED": "Nobody decided about this call in time.",
    "CANCELLED": "The request for this call was withdrawn.",
}
# Such a call was none: readers see that what the model wrote is wrong.
_MISWRITTEN = ("unknown_tool", "invalid_arguments")


@dataclass(frozen=True)
class Answer:
    call_id: str
    status: str
    chunks: list[Chunk]
    outcome: dict[str, Any] | None = None
    # Until when somebody may decide about it.
    until: datetime | None = None
    ended: Ended | None = None

    @property
    def is_awaited(self) -> bool:
        return self.outcome is None

    def row(self) -> dict[str, Any]:
        if self.ended is not None:
            return self.ended.row(self.call_id)
        return {"id": self.call_id, "status": self.status, "outcome": self.outcome}


def answer_call(call: ToolCallRow, request: ApprovalRequestRow | None) -> Answer:
    """What readers are told of a call; that it was asked for only once, and its request never beside its outcome."""
    asked = asked_for(call)
    if call.outcome is not None:
        if call.error_code in _MISWRITTEN and call.status == "REFUSED":
            text = call.outcome["error_text"]
            shown = call.arguments if call.arguments_raw is None else call.arguments_raw
            return Answer(
                call.id,
                call.status,
                [envelope.tool_input_error(call.id, call.name, shown, text)],
                call.outcome,
            )
        # It was refused, it ended before a crash, or it ran apart and its outcome has come.
        return Answer(call.id, call.status, [*asked, outcome_chunk(call, call.outcome)], call.outcome)
    if request is not None and request.status == "PENDING":
        asking = [envelope.tool_approval_request(call.id)] if call.told_segment is None else []
        return Answer(call.id, "WAITING", [*asked, *asking], until=request.expires_at)
    if request is not None:
        return _decided(call, request, asked)
    if call.status == "RUNNING":
        return Answer(call.id, "RUNNING", asked)
    # It was planned by a Neo that had no tools yet.
    ended = unknown_tool(call.name, ())
    chunk = envelope.tool_input_error(call.id, call.name, call.arguments, ended.outcome["error_text"])
    return Answer(call.id, ended.status, [chunk], ended.outcome, ended=ended)


def asked_for(call: ToolCallRow) -> list[Chunk]:
    """That the call was asked for, unless readers were told so by an earlier segment."""
    if call.told_segment is not None:
        return []
    return [envelope.tool_input_available(call.id, call.name, call.arguments, call.title)]


def outcome_chunk(call: ToolCallRow, outcome: dict[str, Any]) -> Chunk:
    if "output" in outcome:
        return envelope.tool_output_available(call.id, outcome["output"])
    return envelope.tool_output_error(call.id, outcome["error_text"])


def _decided(call: ToolCallRow, request: ApprovalRequestRow, asked: list[Chunk]) -> Answer:
    if request.status == "APPROVED":
        # The scripted model's gated tool does nothing but answer with what it was given.
        outcome: dict[str, Any] = {"output": {"ran": call.name, "with": call.arguments}}
        return Answer(call.id, "OK", [*asked, outcome_chunk(call, outcome)], outcome)
    outcome = {"code": request.status.lower(), "error_text": ENDED_WITHOUT_YES[request.status]}
    if request.status == "REJECTED":
        return Answer(call.id, "REJECTED", [*asked, envelope.tool_output_denied(call.id)], outcome)
    return Answer(call.id, request.status, [*asked, outcome_chunk(call, outcome)], outcome)
