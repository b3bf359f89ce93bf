"""From rows of the audit log to the JSON of an answer."""

from neo.access.audit_log.schemas import AuditEntryResource
from neo.audit import AuditEntry


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
