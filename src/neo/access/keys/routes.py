from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from neo.access.errors import ApiKeyNotFound
from neo.access.gate import caller_with
from neo.access.keys.desk import KeyDesk
from neo.access.keys.schemas import (
    ApiKeyCreateRequest,
    ApiKeyCreateResponse,
    ApiKeyResource,
    RevokedApiKey,
)
from neo.access.keys.shown import shown_key, shown_new_key, shown_revoked
from neo.access.principal import Principal
from neo.access.rights import Right
from neo.api import (
    JsonBody,
    Page,
    json_body,
    moment_before,
    next_cursor,
    operation,
    requested_page,
    success,
)
from neo.kit import find_guid

router = APIRouter(prefix="/public-api/api-keys")
TAG = "API keys"


async def key_desk_of(request: Request) -> KeyDesk:
    desk: KeyDesk = request.app.state.key_desk
    return desk


async def known_key_id(key_id: str) -> UUID:
    found = find_guid(key_id)
    if found is None:
        raise ApiKeyNotFound("This tenant has no such API key: list them to see the ids.")
    return found


Governor = Annotated[Principal, Depends(caller_with(Right.GOVERN))]
Desk = Annotated[KeyDesk, Depends(key_desk_of)]
KeyId = Annotated[UUID, Depends(known_key_id)]
Paged = Annotated[Page, Depends(requested_page)]


@router.post(
    "",
    **operation(
        "public_api.api_key_create_post",
        "Create an API key",
        tag=TAG,
        body=ApiKeyCreateRequest,
        data=ApiKeyCreateResponse,
    ),
)
async def create_key(
    request: Request,
    caller: Governor,
    desk: Desk,
    body: Annotated[JsonBody[ApiKeyCreateRequest], Depends(json_body(ApiKeyCreateRequest))],
) -> Response:
    """A key of a new service account of your tenant, for server-to-server use. `data.key` is shown in this answer
    only. Only a dashboard user with the role Admin may manage keys; an API key cannot (403).

    A tenant has at most 1,000 live keys: `409 quota_exceeded`. The platform's keys are made by the operator alone.
    """
    wanted, warnings = body.parse()
    made = await desk.create(caller, wanted.name, expires_at=wanted.expires_at)
    return success(request, shown_new_key(made), warnings=warnings)


@router.get(
    "",
    **operation("public_api.api_key_list_get", "List API keys", tag=TAG, data=ApiKeyResource, is_list=True),
)
async def list_keys(request: Request, caller: Governor, desk: Desk, page: Paged) -> Response:
    """The tenant's keys, newest first, ended ones included, without their secrets. Admins only."""
    kind = f"api-keys:{caller.tenant_id}"
    found = await desk.newest(caller.tenant_id, page.size + 1, before=moment_before(kind, page))
    return success(
        request,
        [shown_key(key) for key in found[: page.size]],
        is_page=True,
        next_cursor=next_cursor(kind, page, found, lambda key: (key.created_at.isoformat(), key.id)),
    )


@router.post(
    "/{key_id}/rotate",
    **operation("public_api.api_key_rotate_post", "Rotate an API key", tag=TAG, data=ApiKeyCreateResponse),
)
async def rotate_key(request: Request, caller: Governor, desk: Desk, key_id: KeyId) -> Response:
    """A replacement of the same service account, so that its sessions stay its own. The old key works for 24 h
    more, or until its own earlier expiry. The new one lives as long as the old one was made to live. Admins only.

    A key that is revoked, expired or already rotated: `409 api_key_not_rotatable`.
    """
    return success(request, shown_new_key(await desk.rotate(caller, key_id)))


@router.delete(
    "/{key_id}",
    **operation("public_api.api_key_revoke_delete", "Revoke an API key", tag=TAG, data=RevokedApiKey),
)
async def revoke_key(
    request: Request,
    caller: Governor,
    desk: Desk,
    key_id: KeyId,
    *,
    revoke_minted: Annotated[
        bool, Query(description="End the session tokens that the key minted as well.")
    ] = False,
) -> Response:
    """Ends a key at once and for good: its next request is 401, its open tails end within seconds. Revoking twice
    answers 200 again. A replacement made by rotation is a key of its own and goes on. Admins only.

    Session tokens that the key minted go on to their own ends, so that end users keep their chats while keys change.
    For a key that leaked, say `revoke_minted=true`, now or later: they end with it, open tails within 5 s.
    """
    return success(request, shown_revoked(*await desk.revoke(caller, key_id, revoke_minted=revoke_minted)))
