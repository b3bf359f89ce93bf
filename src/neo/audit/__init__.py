"""The audit log: who did what, for which tenant.

Entries are only added, by one function of the database, which chains each to its tenant's one before by a hash. Names
and details stand beside the chain: erasing a person and trimming what is old are the operator's, and leave it whole.
"""

from neo.audit.errors import AuditChainBroken
from neo.audit.models import AuditDetails, AuditEntry
from neo.audit.retention import AuditFault, erase, faults, trim
from neo.audit.store import Actor, AuditStore

__all__ = [
    "Actor",
    "AuditChainBroken",
    "AuditDetails",
    "AuditEntry",
    "AuditFault",
    "AuditStore",
    "erase",
    "faults",
    "trim",
]
