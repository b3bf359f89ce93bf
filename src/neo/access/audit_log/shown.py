"""From rows of the audit log to the JSON of an answer."""

from neo.access.audit_log.schemas import AuditEntryResource
from neo.audit import AuditEntry


def shown_entry(entry: AuditEntry) -> AuditEntryResource:
    # The actor's tenant may be another one than the reader's: then neither it nor its ids are shown.
    is_own = entry.actor_tenant_id == entry.tenant_id
    return AuditEntryResource(
        id=entry.sequence,
        actor_kind=entry.actor_kind,
        actor_id=str(entry.actor_id) if entry.actor_id and is_own else None,
        credential_id=str(entry.credential_id) if entry.credential_id and is_own else None,
        end_user=entry.end_user,
        action=entry.action,
        object_kind=entry.object_kind,
        object_id=entry.object_id,
        details=entry.details,
        request_id=str(entry.request_id) if entry.request_id else None,
        created_at=entry.created_at,
    )
