from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.agents.dependencies import NUMBER, AgentId
from neo.agents.desk import AgentDesk
from neo.agents.errors import AgentVersionNotFound
from neo.agents.schemas import (
    AgentDetail,
    AgentResource,
    AgentVersionDetail,
    AgentVersionResource,
    CreateConversationalAgent,
    DeletedAgent,
    UpdateAgent,
    columns,
)
from neo.agents.shown import shown_agent, shown_agent_detail, shown_version, shown_version_detail
from neo.agents.store import AGENT_ID_MAX
from neo.api import (
    JsonBody,
    Page,
    changes_of,
    json_body,
    next_cursor,
    number_before,
    operation,
    requested_page,
    success,
)
from neo.errors import Failure

router = APIRouter(prefix="/public-api/agents")
TAG = "Agents"

VERSION_MAX = 2**31 - 1


async def agent_desk_of(request: Request) -> AgentDesk:
    desk: AgentDesk = request.app.state.agent_desk
    return desk


async def known_version(version: str) -> int:
    if not NUMBER.fullmatch(version) or int(version) > VERSION_MAX:
        raise AgentVersionNotFound("This agent has no such version.")
    return int(version)


Viewer = Annotated[Principal, Depends(caller_with(Right.VIEW_TENANT))]
Manager = Annotated[Principal, Depends(caller_with(Right.MANAGE_TENANT))]
Desk = Annotated[AgentDesk, Depends(agent_desk_of)]
Paged = Annotated[Page, Depends(requested_page)]


@router.post(
    "",
    **operation(
        "public_api.agent_create_post",
        "Create an agent",
        tag=TAG,
        body=CreateConversationalAgent,
        data=AgentDetail,
    ),
)
async def create_agent(
    request: Request,
    caller: Manager,
    desk: Desk,
    body: Annotated[JsonBody[CreateConversationalAgent], Depends(json_body(CreateConversationalAgent))],
) -> Response:
    """Create an agent of your tenant. Only `autonomy_type` CONVERSATIONAL can be created yet: others are
    `422 autonomy_type_not_supported`. `created_by_user` is the caller, whatever the body says.

    `access` goes for your own users; `audience` END_USER makes an agent for your customers' employees, who reach
    it through an END_USER channel only. For API keys and Admins.
    """
    wanted, warnings = body.parse()
    fields = {name: getattr(wanted, name) for name in type(wanted).model_fields}
    return success(request, shown_agent_detail(await desk.create(caller, columns(fields))), warnings=warnings)


@router.get(
    "", **operation("public_api.agent_list_get", "List agents", tag=TAG, data=AgentResource, is_list=True)
)
async def list_agents(request: Request, caller: Viewer, desk: Desk, page: Paged) -> Response:
    """The tenant's agents, newest first, without their instructions. API keys and Admins see all of them; other
    users see those that they may talk to, and not the ones that Neo manages.
    """
    kind = f"agents:{caller.tenant_id}"
    before = number_before(kind, page, number_max=AGENT_ID_MAX)
    found = await desk.newest(caller, page.size + 1, before=before)
    return success(
        request,
        [shown_agent(agent) for agent in found[: page.size]],
        warnings=desk.warnings(found[: page.size]),
        is_page=True,
        next_cursor=next_cursor(kind, page, found, lambda agent: (agent.id,)),
    )


@router.get("/{agent_id}", **operation("public_api.agent_get", "Get an agent", tag=TAG, data=AgentDetail))
async def get_agent(request: Request, caller: Viewer, desk: Desk, agent_id: AgentId) -> Response:
    """One agent with its instructions. An agent that you may not talk to is 404 for users who are no Admins. Where the
    agent's model went away, `meta.warnings` says so, here as in lists and after a change.
    """
    agent = await desk.get(caller, agent_id)
    return success(request, shown_agent_detail(agent), warnings=desk.warnings([agent]))


async def update_agent(
    request: Request,
    caller: Manager,
    desk: Desk,
    agent_id: AgentId,
    body: Annotated[JsonBody[UpdateAgent], Depends(json_body(UpdateAgent))],
) -> Response:
    """A partial update, with PUT as with PATCH: what is left out stays, null clears `model` or
    `reasoning_effort`, `agent_settings` is replaced as a whole. Turns that start from now on use the new values.

    With `version`, the update applies to that version only: when the agent was changed meanwhile, it is
    `409 agent_update_conflict` and nothing changed. `autonomy_type` and `audience` cannot be changed:
    `422 agent_field_immutable`. An agent that Neo manages: `403 agent_managed_by_neo`. For API keys and Admins.
    """
    try:
        wanted, warnings = body.parse()
    except Failure:
        # A caller who may not see the agent gets 404, whatever the body is.
        await desk.get(caller, agent_id)
        raise
    changes = columns(changes_of(wanted))
    changed = await desk.change(caller, agent_id, changes, version=wanted.version)
    return success(request, shown_agent_detail(changed), warnings=[*warnings, *desk.warnings([changed])])


def _update_operation(method: str) -> dict[str, Any]:
    return operation(
        f"public_api.agent_update_{method}", "Update an agent", tag=TAG, body=UpdateAgent, data=AgentDetail
    )


router.put("/{agent_id}", **_update_operation("put"))(update_agent)
router.patch("/{agent_id}", **_update_operation("patch"))(update_agent)


@router.delete(
    "/{agent_id}", **operation("public_api.agent_delete", "Delete an agent", tag=TAG, data=DeletedAgent)
)
async def delete_agent(request: Request, caller: Manager, desk: Desk, agent_id: AgentId) -> Response:
    """From now on the agent is 404. Its sessions stay readable and take no more messages; turns that were accepted
    are run. While a channel is bound to it: `409 agent_in_use`. An agent that Neo manages:
    `403 agent_managed_by_neo`. For API keys and Admins.
    """
    await desk.delete(caller, agent_id)
    return success(request, DeletedAgent(id=agent_id))


@router.get(
    "/{agent_id}/versions",
    **operation(
        "public_api.agent_version_list_get",
        "List an agent's versions",
        tag=TAG,
        data=AgentVersionResource,
        is_list=True,
    ),
)
async def list_versions(
    request: Request, caller: Viewer, desk: Desk, agent_id: AgentId, page: Paged
) -> Response:
    """Who changed the agent and when, newest first, its creation included."""
    kind = f"agent-versions:{caller.tenant_id}:{agent_id}"
    found = await desk.versions(caller, agent_id, page.size + 1, before=number_before(kind, page))
    return success(
        request,
        [shown_version(version) for version in found[: page.size]],
        is_page=True,
        next_cursor=next_cursor(kind, page, found, lambda version: (version.version,)),
    )


@router.get(
    "/{agent_id}/versions/{version}",
    **operation("public_api.agent_version_get", "Get an agent's version", tag=TAG, data=AgentVersionDetail),
)
async def get_version(
    request: Request,
    caller: Viewer,
    desk: Desk,
    agent_id: AgentId,
    version: Annotated[int, Depends(known_version)],
) -> Response:
    """What the agent was after one of its changes: put it back with an update."""
    return success(request, shown_version_detail(await desk.version(caller, agent_id, version)))
