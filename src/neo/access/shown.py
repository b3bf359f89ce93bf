"""From rows to the wire."""

from neo.access.key_desk import NewKey
from neo.access.models import ApiKey
from neo.access.schemas import ApiKeyCreateResponse, ApiKeyResource, AuditEntryResource
from neo.audit import AuditEntry


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


def shown_entry(entry: AuditEntry) -> AuditEntryResource:
    # The actor's tenant stays inside: it may be another one than the reader's.
    return AuditEntryResource(
        id=entry.id,
        actor_kind=entry.actor_kind,
        actor_id=str(entry.actor_id) if entry.actor_id else None,
        end_user=entry.end_user,
        action=entry.action,
        object_kind=entry.object_kind,
        object_id=entry.object_id,
        details=entry.details,
        request_id=str(entry.request_id) if entry.request_id else None,
        created_at=entry.created_at,
    )
