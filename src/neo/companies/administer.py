"""What a tenant does with its end companies; each change is recorded with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import NO_ROW_BOUNDS, Principal, Right, RowBounds, changing, check_room
from neo.audit import AuditStore
from neo.companies.errors import EndCompanyUpdateConflict
from neo.companies.models import EndCompany
from neo.companies.store import CompanyStore, no_such_company
from neo.db import Database


@dataclass(frozen=True)
class CompanyChange:
    """`changes` by column; with a `version`, they apply only when that is the current one."""

    psa_company_id: str
    changes: dict[str, Any]
    version: int | None


class CompanyDesk:
    def __init__(self, database: Database, bounds: RowBounds = NO_ROW_BOUNDS) -> None:
        self._database = database
        self._bounds = bounds

    async def page(
        self, caller: Principal, rows_max: int, *, after: str | None, m365_tenant_id: UUID | None
    ) -> Sequence[EndCompany]:
        async with self._database.transaction(caller.tenant_id) as db:
            return await CompanyStore(db, caller.tenant_id).page(
                rows_max, after=after, m365_tenant_id=m365_tenant_id
            )

    async def get(self, caller: Principal, company_id: str) -> EndCompany:
        async with self._database.transaction(caller.tenant_id) as db:
            return await CompanyStore(db, caller.tenant_id).get(company_id)

    async def create(self, caller: Principal, company_id: str, values: dict[str, Any]) -> EndCompany:
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            companies = CompanyStore(db, caller.tenant_id)
            await check_room(db, caller, companies.all(), self._bounds.companies, "end companies")
            created = await companies.create({"psa_company_id": company_id, **values})
            await _record(db, caller, "end_company.created", company_id, sorted(values))
            return created

    async def update(self, caller: Principal, wanted: CompanyChange) -> EndCompany:
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            found = await CompanyStore(db, caller.tenant_id).lock([wanted.psa_company_id])
            return await _change(db, caller, found, wanted, {})

    async def update_all(self, caller: Principal, wanted: Sequence[CompanyChange]) -> list[EndCompany]:
        """Update all of them or none, and return them in the given order; a refusal says which one it was."""
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            found = await CompanyStore(db, caller.tenant_id).lock([one.psa_company_id for one in wanted])
            return [
                await _change(db, caller, found, one, {"index": index}) for index, one in enumerate(wanted)
            ]

    async def delete(self, caller: Principal, company_id: str) -> None:
        """Delete it: its sessions keep its id, and have no company instructions from now on."""
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            await CompanyStore(db, caller.tenant_id).delete(company_id)
            await _record(db, caller, "end_company.deleted", company_id, [])


async def _change(
    db: AsyncSession,
    caller: Principal,
    found: dict[str, EndCompany],
    wanted: CompanyChange,
    which: dict[str, int],
) -> EndCompany:
    company = found.get(wanted.psa_company_id)
    if company is None:
        raise no_such_company(which)
    if wanted.version not in (None, company.version):
        raise EndCompanyUpdateConflict(
            "The company was changed meanwhile: read it again, then update it.", details=which
        )
    changes = {name: value for name, value in wanted.changes.items() if getattr(company, name) != value}
    if not changes:
        return company
    await _record(db, caller, "end_company.updated", company.psa_company_id, sorted(changes))
    return await CompanyStore(db, caller.tenant_id).change(company, changes)


async def _record(
    db: AsyncSession, caller: Principal, action: str, company_id: str, fields: list[str]
) -> None:
    details = {"fields": fields} if fields else {}
    await AuditStore(db, caller.tenant_id).add(
        caller.actor, action, "end_company", company_id, details=details
    )
