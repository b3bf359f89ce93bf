"""What a stop is for: it is there, and it is the caller's tenant's own."""

import re
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.agents import AgentStore
from neo.companies import CompanyStore
from neo.connections import ConnectionStore, ToolStore
from neo.errors import Failure, Kind
from neo.kit import find_guid
from neo.stops.errors import ToolStopTargetNotFound
from neo.stops.models import StopScope

AGENT_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    scope: StopScope
    scope_id: str
    tool: str = ""


async def found_target(db: AsyncSession, tenant_id: UUID, wanted: Target) -> Target:
    """The target with its id as it is stored. A stop of something that is not there would stop nothing, and whoever set
    it would not know.
    """
    try:
        return Target(wanted.scope, await _id(db, tenant_id, wanted), wanted.tool)
    except Failure as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        raise ToolStopTargetNotFound(f"There is no such {wanted.scope.lower()}.") from error


async def _id(db: AsyncSession, tenant_id: UUID, wanted: Target) -> str:
    match wanted.scope:
        case StopScope.TENANT if find_guid(wanted.scope_id or str(tenant_id)) == tenant_id:
            return str(tenant_id)
        case StopScope.COMPANY:
            return (await CompanyStore(db, tenant_id).get(wanted.scope_id)).psa_company_id
        case StopScope.AGENT if AGENT_ID.fullmatch(wanted.scope_id):
            return str((await AgentStore(db, tenant_id).get(int(wanted.scope_id))).id)
        case StopScope.CONNECTION if connection_id := find_guid(wanted.scope_id):
            return str((await ConnectionStore(db, tenant_id).get(connection_id)).id)
        case StopScope.TOOL if connection_id := find_guid(wanted.scope_id):
            return str((await ToolStore(db, tenant_id).get(connection_id, wanted.tool)).connection_id)
    raise ToolStopTargetNotFound("This is no id of the scope.")
