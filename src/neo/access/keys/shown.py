"""From rows of API keys to the JSON of an answer."""

from neo.access.keys.desk import NewKey
from neo.access.keys.models import ApiKey
from neo.access.keys.schemas import ApiKeyCreateResponse, ApiKeyResource, RevokedApiKey


def shown_new_key(made: NewKey) -> ApiKeyCreateResponse:
    return ApiKeyCreateResponse(
        id=str(made.row.id),
        name=made.row.name,
        key=made.plain,
        created_at=made.row.created_at,
        expires_at=made.row.expires_at,
    )


def shown_key(key: ApiKey) -> ApiKeyResource:
    return ApiKeyResource(
        id=str(key.id),
        name=key.name,
        hint=key.hint,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        rotated_at=key.rotated_at,
        last_used_at=key.last_used_at,
        created_by=str(key.created_by) if key.created_by else None,
    )


def shown_revoked(key: ApiKey, revoked_minted: int) -> RevokedApiKey:
    return RevokedApiKey(**shown_key(key).model_dump(), revoked_minted=revoked_minted)
