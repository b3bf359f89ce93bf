"""The audit log: who did what, for which tenant. It is only ever added to; the database refuses anything else."""

from neo.audit.models import AuditEntry
from neo.audit.store import Actor, AuditStore

__all__ = ["Actor", "AuditEntry", "AuditStore"]
