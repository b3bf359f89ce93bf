from neo.executions.history.schemas import Execution, ExecutionStatus, ExecutionTrigger
from neo.executions.store import Execution as Found
from neo.sessions import ShownAuthor

# A turn's words, and an execution's.
STATUSES = {"COMPLETED": ExecutionStatus.SUCCESS, "FAILED": ExecutionStatus.FAILURE}


def status_of(turn_status: str) -> ExecutionStatus:
    return STATUSES.get(turn_status) or ExecutionStatus(turn_status)


def shown_execution(found: Found, author: ShownAuthor | None) -> Execution:
    turn, session, agent = found.turn, found.session, found.agent
    begun, ended = turn.started_at, turn.ended_at
    return Execution(
        execution_id=str(turn.id),
        agent_id=agent.id,
        agent_name=agent.name,
        autonomy_type=agent.autonomy_type,
        status=status_of(turn.status),
        trigger=ExecutionTrigger.CHAT,
        waiting_for=turn.waiting_for,
        session_id=str(session.id),
        end_company_id=session.end_company_id,
        entity_type="NONE",
        entity_id=None,
        entity_number=None,
        error=turn.error_message,
        error_code=turn.error_code,
        message_for_dashboard=None,
        seconds_spent=round((ended - begun).total_seconds(), 3) if begun and ended else None,
        additional_custom_instructions=None,
        credits_consumed=None,
        test_mode=False,
        retried_from_execution_id=str(turn.retry_of) if turn.retry_of else None,
        superseded_by_execution_id=str(turn.superseded_by) if turn.superseded_by else None,
        backfill_id=None,
        author=author and _author(author),
        created_at=turn.created_at,
        started_at=begun,
        cancel_requested_at=turn.cancel_requested_at,
        finished_at=ended,
        updated_at=ended or turn.cancel_requested_at or begun or turn.created_at,
    )


def _author(author: ShownAuthor) -> dict[str, str | None]:
    return {
        "kind": author.kind.upper(),
        "id": str(author.id) if author.id else None,
        "name": author.name,
    }
