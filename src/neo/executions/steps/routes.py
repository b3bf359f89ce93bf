from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from neo.api import number_before, operation, page_token, success
from neo.executions.dependencies import TAG, ExecutionId, ExecutionReader, Paged
from neo.executions.history.filters import words_of
from neo.executions.steps.desk import StepDesk, Wanted
from neo.executions.steps.schemas import ExecutionStep, StepType
from neo.executions.steps.shown import shown_step

step_router = APIRouter(prefix="/public-api/executions/{execution_id}/steps")

# Turn, segment and place in 53 bits: every program's numbers keep it.
NUMBER_MAX = 2**53 - 1
NAME = r"^[^\x00]{1,200}$"


async def desk_of(request: Request) -> StepDesk:
    desk: StepDesk = request.app.state.step_desk
    return desk


@step_router.get(
    "",
    **operation(
        "public_api.execution_step_list_get",
        "List execution steps",
        tag=TAG,
        data=ExecutionStep,
        is_list=True,
    ),
)
async def list_steps(
    request: Request,
    caller: ExecutionReader,
    desk: Annotated[StepDesk, Depends(desk_of)],
    execution_id: ExecutionId,
    page: Paged,
    type: Annotated[  # noqa: A002 - it is called so in the contract.
        str | None, Query(description="One or more with commas, such as `TOOL_CALL,TOOL_RESULT`.")
    ] = None,
    tool_type_name: Annotated[
        str | None, Query(pattern=NAME, description="Steps of this tool, in any case.")
    ] = None,
    step_id: Annotated[str | None, Query(pattern=NAME, description="This step alone.")] = None,
    *,
    include_data: Annotated[bool, Query(description="False: an index, without each step's `data`.")] = True,
) -> Response:
    """What an execution did, oldest first: what was asked, what the model thought, its calls, what came of them, and
    the answer. The id of a chat session is taken as well, for the steps of all of its turns. Fetch an index with
    `include_data=false`, and then one step by its `step_id`.

    Values that secrets have by name, and secrets that this server knows, are `***`. Data over 64 KiB is cut; what a
    tool brought is an artifact then, by the `artifact_id` of its TOOL_RESULT.
    """
    kind = f"steps:{execution_id}"
    after = number_before(kind, page, number_max=NUMBER_MAX) or 0
    types, number = words_of(type, StepType, "type"), _number(step_id)
    if step_id is not None and number is None:
        # It is nobody's, and whether the execution is there is told all the same.
        number = NUMBER_MAX
    wanted = Wanted(types, tool_type_name, number, with_data=include_data)
    steps, end = await desk.page(caller, execution_id, wanted, page.size, after=after)
    return success(
        request,
        [shown_step(step) for step in steps],
        is_page=True,
        next_cursor=None if end is None else page_token(kind, end),
    )


def _number(step_id: str | None) -> int | None:
    is_number = (
        step_id is not None
        and step_id.isascii()
        and step_id.isdigit()
        and len(step_id) <= len(str(NUMBER_MAX))
    )
    return min(int(step_id), NUMBER_MAX) if step_id is not None and is_number else None
