from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.agents import AgentDesk, AgentId
from neo.api import JsonBody, json_body, operation, success
from neo.errors import Failure
from neo.toolbox.catalogue import tool_types, toolbox_schema
from neo.toolbox.explain import Explainer
from neo.toolbox.schemas import ExplainedTool, ExplainTools, ToolboxSchema, ToolType

TAG = "Connections"

router = APIRouter(prefix="/public-api")


async def explainer_of(request: Request) -> Explainer:
    agents: AgentDesk = request.app.state.agent_desk
    return Explainer(request.app.state.database, agents)


Viewer = Annotated[Principal, Depends(caller_with(Right.VIEW_TENANT))]
ToolManager = Annotated[Principal, Depends(caller_with(Right.MANAGE_TOOLS))]


@router.post(
    "/agents/{agent_id}/tools/explain",
    **operation(
        "public_api.agent_tools_explain_post",
        "Explain an agent's tools",
        tag=TAG,
        body=ExplainTools,
        data=ExplainedTool,
        is_list=True,
    ),
)
async def explain_tools(
    request: Request,
    caller: ToolManager,
    explainer: Annotated[Explainer, Depends(explainer_of)],
    agent_id: AgentId,
    body: Annotated[JsonBody[ExplainTools], Depends(json_body(ExplainTools, may_be_missing=True))],
) -> Response:
    """Each tool of the connections in the agent's toolbox: whether it would be offered now, whether a call would be
    refused, and why. With a `session_id`, for that session of the agent: another agent's is `404 session_not_found`.
    The body may be left out.
    """
    try:
        wanted, warnings = body.parse()
    except Failure:
        await explainer.explain(caller, agent_id, None)
        raise
    return success(request, await explainer.explain(caller, agent_id, wanted.session_id), warnings=warnings)


@router.get(
    "/schemas/tools",
    **operation("public_api.schema_tools_get", "List tool types", tag=TAG, data=ToolType, is_list=True),
)
async def list_tool_types(request: Request, caller: Viewer) -> Response:  # noqa: ARG001 - to know who asks is enough.
    """The keys that `toolbox.tool_settings_by_type` of an agent may have, each with a JSON Schema of its settings."""
    return success(request, tool_types())


@router.get(
    "/schemas/toolbox",
    **operation("public_api.schema_toolbox_get", "Get the toolbox's schema", tag=TAG, data=ToolboxSchema),
)
async def get_toolbox_schema(request: Request, caller: Viewer) -> Response:  # noqa: ARG001 - as above.
    """A JSON Schema of an agent's `toolbox`."""
    return success(request, toolbox_schema())
