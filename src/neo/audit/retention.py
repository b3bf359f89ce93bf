"""What the operator does with the audit log, as the owner's role: verify chains, erase a person, trim what is old."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from neo.audit.errors import AuditChainBroken
from neo.db import Database

# Who looks into a broken chain begins with its first faults.
FAULTS_MAX = 5


@dataclass(frozen=True)
class AuditFault:
    """`entry_id` is None where the entry is gone."""

    tenant_id: UUID
    entry_id: int | None
    sequence: int | None
    said: str

    def line(self) -> str:
        entry = f"entry {self.entry_id} " if self.entry_id is not None else "entry "
        return f"tenant {self.tenant_id}: {entry}(number {self.sequence}) {self.said}"


async def faults(owner: Database, tenant_id: UUID) -> Sequence[AuditFault]:
    """What is wrong with a tenant's chain, from its newest anchor on."""
    found = await owner.call("neo_operator_audit_faults", tenant_id, FAULTS_MAX)
    return [AuditFault(tenant_id, row["id"], row["sequence"], row["fault"]) for row in found]


async def erase(owner: Database, tenant_id: UUID, person: str) -> int:
    """Erase the details of all entries that name this person, or are about this technician; of how many."""
    [(erased,)] = await owner.call("neo_operator_erase_audit_details", tenant_id, person)
    return int(erased)


async def trim(owner: Database, tenant_id: UUID, older_than: timedelta) -> int:
    """Replace what is older by an anchor; how many entries. What is broken is kept, so that it can be looked into."""
    broken = await faults(owner, tenant_id)
    if broken:
        raise AuditChainBroken(f"Nothing is trimmed of a chain that is not whole: {broken[0].line()}.")
    [(trimmed,)] = await owner.call("neo_operator_trim_audit_log", tenant_id, older_than)
    return int(trimmed)
