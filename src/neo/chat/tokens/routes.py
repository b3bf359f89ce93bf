from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from neo.access import TOKEN_SECONDS_MAX, Gate, Principal, Right
from neo.api import (
    Guid,
    JsonBody,
    Page,
    json_body,
    moment_before,
    next_cursor,
    operation,
    requested_page,
    success,
)
from neo.chat.dependencies import Desk, charged_later
from neo.chat.errors import TokenFilterMissing
from neo.chat.tokens.mint import Minting, not_mintable
from neo.chat.tokens.schemas import (
    MintSessionTokenRequest,
    MintSessionTokenResponse,
    RevokedSessionToken,
    RevokedSessionTokens,
    SessionTokenResource,
)
from neo.chat.tokens.shown import shown_token
from neo.errors import Failure
from neo.kit import find_guid
from neo.sessions import SessionNotFound, TokenFilter, no_such_token

token_router = APIRouter(prefix="/public-api/sessions")


async def asked_tokens(
    session_id: Annotated[Guid | None, Query(description="Of this session.")] = None,
    minted_by: Annotated[Guid | None, Query(description="Minted by this account.")] = None,
    credential_id: Annotated[Guid | None, Query(description="Minted with this API key.")] = None,
) -> TokenFilter:
    return TokenFilter(session_id, minted_by, credential_id)


Asked = Annotated[TokenFilter, Depends(asked_tokens)]
Paged = Annotated[Page, Depends(requested_page)]
Minter = Annotated[Principal, Depends(charged_later(Right.MINT_TOKEN))]


@token_router.post(
    "",
    **operation(
        "public_api.session_token_mint_post",
        "Mint an end-user session token",
        body=MintSessionTokenRequest,
        data=MintSessionTokenResponse,
    ),
)
async def mint_token(
    request: Request,
    caller: Minter,
    desk: Desk,
    body: Annotated[JsonBody[MintSessionTokenRequest], Depends(json_body(MintSessionTokenRequest))],
) -> Response:
    """A short-lived token for an end user's own browser or app: it opens one session and nothing else, to get it,
    list its messages, tail its events, post to it, stop its turns and upload images for it. It can neither mint nor
    revoke.

    It ends at `expires_at`, when it is revoked, when the session is archived, and, if a dashboard user minted it, when
    their access or their right to mint ends; open tails end within 5 s. A platform service account mints for its own
    Neo Support sessions only: `403 session_not_mintable`.
    """
    wanted, warnings = body.parse()
    session_id = find_guid(wanted.session_id)
    unknown = SessionNotFound("No such chat session.")
    otherwise = unknown if wanted.client_id is None else not_mintable()
    acting = await _acting(request, caller, session_id, otherwise)
    if session_id is None:
        raise unknown
    minting = Minting(
        session_id,
        tuple(wanted.allowed_agent_ids),
        wanted.client_id,
        wanted.end_user,
        wanted.end_user_email,
        wanted.ttl_seconds,
        wanted.model_tier.value,
    )
    minted = await desk.tokens.mint(acting, minting)
    claims = minted.claims
    shown = MintSessionTokenResponse(
        token=minted.token,
        jti=str(claims.jti),
        session_id=str(claims.session_id),
        expires_at=claims.expires_at,
    )
    return success(request, shown, warnings=[*warnings, *_warnings(wanted, claims.end_company_id)])


@token_router.get(
    "/tokens",
    **operation(
        "public_api.session_token_list_get",
        "List end-user session tokens",
        data=SessionTokenResource,
        is_list=True,
    ),
)
async def list_tokens(request: Request, caller: Minter, desk: Desk, asked: Asked, page: Paged) -> Response:
    """The tokens of the sessions that you may read, newest first, ended ones included: of one session, of whoever
    minted them (`minted_by`: a technician's id or a service account's), of the API key that did (`credential_id`). A
    platform service account names the `session_id`, else `422 token_filter_missing`.
    """
    acting = await _lister(request, caller, asked)
    kind = f"session-tokens:{acting.tenant_id}"
    found = await desk.tokens.newest(acting, page.size + 1, asked, before=moment_before(kind, page))
    return success(
        request,
        [shown_token(acting, token, is_live=is_live) for token, is_live in found[: page.size]],
        is_page=True,
        next_cursor=next_cursor(kind, page, found, lambda one: (one[0].created_at.isoformat(), one[0].jti)),
    )


@token_router.delete(
    "/tokens",
    **operation(
        "public_api.session_token_revoke_all_delete",
        "Revoke many end-user session tokens",
        data=RevokedSessionTokens,
    ),
)
async def revoke_tokens(request: Request, caller: Minter, desk: Desk, asked: Asked) -> Response:
    """End all tokens that the list shows with the same parameters, at once; tails that they opened end within 5 s.
    At least one parameter is needed: `422 token_filter_missing`.
    """
    acting = await _lister(request, caller, asked)
    return success(request, RevokedSessionTokens(revoked=await desk.tokens.revoke_all(acting, asked)))


@token_router.delete(
    "/tokens/{jti}",
    **operation(
        "public_api.session_token_revoke_delete", "Revoke an end-user session token", data=RevokedSessionToken
    ),
)
async def revoke_token(request: Request, caller: Minter, desk: Desk, jti: str) -> Response:
    """End a token at once; tails that it opened end within 5 s. Revoking twice answers 200 again."""
    wanted = find_guid(jti)
    if wanted is None:
        raise no_such_token()
    token = await desk.tokens.revoke(await _token_owner(request, caller, wanted), wanted)
    shown = RevokedSessionToken.model_validate(
        {
            "jti": str(token.jti),
            "session_id": str(token.session_id),
            "expires_at": token.expires_at,
            "revoked_at": token.revoked_at,
        }
    )
    return success(request, shown)


async def _acting(
    request: Request, caller: Principal, session_id: UUID | None, otherwise: Failure
) -> Principal:
    """The caller for the session's tenant, which is charged; `otherwise` where the platform did not open it."""
    if not caller.is_platform:
        return caller
    gate: Gate = request.app.state.gate
    acting = await gate.acting(request, caller, session_id) if session_id is not None else None
    await gate.charge(request, acting or caller)
    if acting is None:
        raise otherwise
    return acting


async def _lister(request: Request, caller: Principal, asked: TokenFilter) -> Principal:
    if caller.is_platform and asked.session_id is None:
        gate: Gate = request.app.state.gate
        await gate.charge(request, caller)
        raise TokenFilterMissing("A platform service account names the session: `session_id`.")
    return await _acting(request, caller, asked.session_id, SessionNotFound("No such chat session."))


async def _token_owner(request: Request, caller: Principal, jti: UUID) -> Principal:
    gate: Gate = request.app.state.gate
    session_id = await gate.session_of_token(jti) if caller.is_platform else None
    return await _acting(request, caller, session_id, no_such_token())


def _warnings(wanted: MintSessionTokenRequest, end_company_id: str | None) -> list[str]:
    warnings = []
    if wanted.end_company_id is not None and wanted.end_company_id != end_company_id:
        warnings.append("end_company_id was ignored: the session's own company counts.")
    if (wanted.ttl_seconds or 0) > TOKEN_SECONDS_MAX:
        warnings.append(f"ttl_seconds was cut to {TOKEN_SECONDS_MAX}.")
    return warnings
