from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from neo.turns.temporal.contract import (
        CHAT_TURN_WORKFLOW,
        FAIL_TIMEOUT,
        FAIL_TURN,
        HEARTBEAT_TIMEOUT,
        RETRY_FIRST,
        RETRY_LONGEST,
        RUN_MODEL_STEP,
        STEP_DELIVERIES_MAX,
        STEP_TIMEOUT,
        TurnInput,
    )


@workflow.defn(name=CHAT_TURN_WORKFLOW)
class ChatTurnWorkflow:
    """Runs the model step until it has ended the turn; where it cannot, ends the turn as failed."""

    @workflow.run
    async def run(self, turn: TurnInput) -> None:
        if turn.has_ended:
            return
        try:
            await workflow.execute_activity(
                RUN_MODEL_STEP,
                turn,
                start_to_close_timeout=STEP_TIMEOUT,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=RetryPolicy(
                    initial_interval=RETRY_FIRST,
                    maximum_interval=RETRY_LONGEST,
                    maximum_attempts=STEP_DELIVERIES_MAX,
                ),
            )
        except ActivityError:
            await workflow.execute_activity(
                FAIL_TURN,
                turn,
                start_to_close_timeout=FAIL_TIMEOUT,
                retry_policy=RetryPolicy(initial_interval=RETRY_FIRST, maximum_interval=RETRY_LONGEST),
            )
