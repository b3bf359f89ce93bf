"""What can be said of one call now: its outcome, that it is refused, or what it waits for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neo.events import Chunk, envelope
from neo.turns.models import ApprovalRequestRow, ToolCallRow

UNKNOWN_TOOL = "unknown_tool"
ENDED_WITHOUT_YES = {
    "REJECTED": "The request for this call was rejected.",
    "EXPIRED": "Nobody decided about this call in time.",
    "CANCELLED": "The request for this call was withdrawn.",
}


@dataclass(frozen=True)
class Answer:
    call_id: str
    status: str
    chunks: list[Chunk]
    outcome: dict[str, Any] | None = None
    # Until when somebody may decide about it.
    until: datetime | None = None

    @property
    def is_awaited(self) -> bool:
        return self.outcome is None


def answer_call(call: ToolCallRow, request: ApprovalRequestRow | None) -> Answer:
    """What readers are told of a call; that it was asked for only once, and its request never beside its outcome."""
    is_new = call.told_segment is None
    asked = [envelope.tool_input_available(call.id, call.name, call.arguments)] if is_new else []
    if call.outcome is not None:
        # It ran apart, and its outcome has come.
        return Answer(call.id, call.status, [*asked, _outcome_chunk(call, call.outcome)], call.outcome)
    if request is not None and request.status == "PENDING":
        asking = [envelope.tool_approval_request(call.id)] if is_new else []
        return Answer(call.id, "WAITING", [*asked, *asking], until=request.expires_at)
    if request is not None:
        return _decided(call, request, asked)
    if call.status == "RUNNING":
        return Answer(call.id, "RUNNING", asked)
    return _refused(call)


def _refused(call: ToolCallRow) -> Answer:
    """No tool is offered, so there is none of this name."""
    text = f"{UNKNOWN_TOOL}: there is no tool named {call.name!r}."
    outcome = {"code": UNKNOWN_TOOL, "error_text": text}
    chunk = envelope.tool_input_error(call.id, call.name, call.arguments, text)
    return Answer(call.id, "REFUSED", [chunk], outcome)


def _decided(call: ToolCallRow, request: ApprovalRequestRow, asked: list[Chunk]) -> Answer:
    if request.status == "APPROVED":
        # The scripted model's gated tool does nothing but answer with what it was given.
        outcome: dict[str, Any] = {"output": {"ran": call.name, "with": call.arguments}}
        return Answer(call.id, "OK", [*asked, _outcome_chunk(call, outcome)], outcome)
    outcome = {"code": request.status.lower(), "error_text": ENDED_WITHOUT_YES[request.status]}
    if request.status == "REJECTED":
        return Answer(call.id, "REJECTED", [*asked, envelope.tool_output_denied(call.id)], outcome)
    return Answer(call.id, request.status, [*asked, _outcome_chunk(call, outcome)], outcome)


def _outcome_chunk(call: ToolCallRow, outcome: dict[str, Any]) -> Chunk:
    if "output" in outcome:
        return envelope.tool_output_available(call.id, outcome["output"])
    return envelope.tool_output_error(call.id, outcome["error_text"])
