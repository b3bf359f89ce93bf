from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.access import TOKEN_SECONDS_MAX, Gate, Principal, Right
from neo.api import JsonBody, json_body, operation, success
from neo.chat.dependencies import Desk, charged_later
from neo.chat.tokens.mint import Minting, not_mintable
from neo.chat.tokens.schemas import MintSessionTokenRequest, MintSessionTokenResponse, RevokedSessionToken
from neo.errors import Failure
from neo.kit import find_guid
from neo.sessions import SessionNotFound, SessionTokenNotFound

token_router = APIRouter(prefix="/public-api/sessions")


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
    list its messages, tail its events, post to it and upload images for it. It can neither mint nor revoke.

    It ends at `expires_at`, when it is revoked, and when the session is archived; open tails end within 5 s. A
    platform service account mints for its own Neo Support sessions only: `403 session_not_mintable`.
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
        raise SessionTokenNotFound("No such session token.")
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
    await gate.charge(request, (acting or caller).tenant_id)
    if acting is None:
        raise otherwise
    return acting


async def _token_owner(request: Request, caller: Principal, jti: UUID) -> Principal:
    gate: Gate = request.app.state.gate
    session_id = await gate.session_of_token(jti) if caller.is_platform else None
    return await _acting(request, caller, session_id, SessionTokenNotFound("No such session token."))


def _warnings(wanted: MintSessionTokenRequest, end_company_id: str | None) -> list[str]:
    warnings = []
    if wanted.end_company_id is not None and wanted.end_company_id != end_company_id:
        warnings.append("end_company_id was ignored: the session's own company counts.")
    if (wanted.ttl_seconds or 0) > TOKEN_SECONDS_MAX:
        warnings.append(f"ttl_seconds was cut to {TOKEN_SECONDS_MAX}.")
    return warnings
