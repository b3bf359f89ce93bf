"""The audit log: who did what, for which tenant. Entries are only added: the database refuses updates and deletes."""

from neo.audit.models import AuditEntry
from neo.audit.store import Actor, AuditStore

__all__ = ["Actor", "AuditEntry", "AuditStore"]
