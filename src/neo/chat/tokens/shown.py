"""From rows of session tokens to the JSON of an answer."""

from neo.access import Author, Principal
from neo.chat.schemas import ChatModelTier
from neo.chat.tokens.schemas import SessionTokenResource, TokenMinter
from neo.sessions import SessionToken


def shown_token(caller: Principal, token: SessionToken, *, is_live: bool) -> SessionTokenResource:
    return SessionTokenResource(
        jti=str(token.jti),
        session_id=str(token.session_id),
        end_user=token.end_user,
        end_user_email=token.end_user_email,
        model_tier=ChatModelTier(token.model_tier),
        minter=_minter(caller, token.minter) if token.minter else None,
        is_live=is_live,
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )


def _minter(caller: Principal, minter: Author) -> TokenMinter:
    is_colleague = minter.tenant_id == caller.home_tenant_id
    return TokenMinter(
        kind=minter.kind,
        id=str(minter.id) if is_colleague else None,
        credential_id=str(minter.credential_id) if is_colleague and minter.credential_id else None,
    )
