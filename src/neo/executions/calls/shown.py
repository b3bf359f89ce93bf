from neo.executions.calls.schemas import CallRequest, CallResolution, ExecutionCall
from neo.executions.steps.redact import redact, redact_text
from neo.executions.steps.shown import capped
from neo.turns.models import ApprovalRequestRow, ToolCallRow


def shown_call(call: ToolCallRow, request: ApprovalRequestRow | None) -> ExecutionCall:
    outcome = call.outcome or {}
    error_text = outcome.get("error_text")
    data = capped(redact({"arguments": call.arguments, "output": outcome.get("output")}))
    return ExecutionCall(
        id=call.id,
        execution_id=str(call.turn_id),
        status=call.status,
        name=call.name,
        tool_name=call.tool_name,
        title=call.title,
        connection_id=str(call.connection_id) if call.connection_id else None,
        effect=call.effect,
        tier=call.tier,
        gate=call.gate,
        arguments=data["arguments"],
        output=data["output"],
        error_code=call.error_code or outcome.get("code"),
        error_text=redact_text(error_text) if isinstance(error_text, str) else None,
        truncated=data.get("truncated", False),
        output_bytes=call.output_bytes,
        artifact_id=str(call.artifact_id) if call.artifact_id else None,
        idempotency_key=call.key,
        attempts=call.attempts,
        timeout_seconds=call.timeout_seconds,
        request=request
        and CallRequest(id=str(request.id), status=request.status, expires_at=request.expires_at),
        resolution=CallResolution(**call.resolution) if call.resolution else None,
        created_at=call.created_at,
        dispatched_at=call.dispatched_at,
        ended_at=call.ended_at,
    )
