from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from neo.turns.temporal.contract import (
        ADVANCE,
        ADVANCE_TIMEOUT,
        HEARTBEAT_TIMEOUT,
        RETRY_FIRST,
        RETRY_LONGEST,
        TURN_WORKFLOW,
        TurnInput,
    )


@workflow.defn(name=TURN_WORKFLOW)
class TurnWorkflow:
    """Has the turn advanced until it has ended or waits. It keeps no state: PostgreSQL says what is next."""

    @workflow.run
    async def run(self, turn: TurnInput) -> None:
        if turn.has_ended:
            return
        outcome = "MORE"
        while outcome == "MORE":
            outcome = await workflow.execute_activity(
                ADVANCE,
                turn,
                result_type=str,
                start_to_close_timeout=ADVANCE_TIMEOUT,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=RetryPolicy(initial_interval=RETRY_FIRST, maximum_interval=RETRY_LONGEST),
            )
