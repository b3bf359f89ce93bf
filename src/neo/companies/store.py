from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from neo.companies.errors import EndCompanyExists, EndCompanyNotFound
from neo.companies.models import EndCompany
from neo.db import read_page

# Callers ask only whether there are none, one or several.
LINKED_MAX = 2


class CompanyStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def linked_to(self, m365_tenant_id: UUID) -> Sequence[EndCompany]:
        """The companies that are linked to this Microsoft tenant, two at most."""
        wanted = self._owned().where(EndCompany.m365_tenant_id == m365_tenant_id).limit(LINKED_MAX)
        return (await self._db.scalars(wanted)).all()

    async def get(self, company_id: str) -> EndCompany:
        found = await self._db.scalar(self._owned().where(EndCompany.psa_company_id == company_id))
        if found is None:
            raise no_such_company()
        return found

    async def lock(self, company_ids: Sequence[str]) -> dict[str, EndCompany]:
        """The companies that exist, by id, their rows locked until the transaction ends."""
        # Always locked in the same order, so that two updates of the same companies cannot deadlock.
        wanted = self._owned().where(EndCompany.psa_company_id.in_(company_ids))
        held = wanted.order_by(EndCompany.psa_company_id).with_for_update()
        return {company.psa_company_id: company for company in await self._db.scalars(held)}

    async def page(
        self, rows_max: int, *, after: str | None, m365_tenant_id: UUID | None
    ) -> Sequence[EndCompany]:
        wanted = self._owned().order_by(EndCompany.psa_company_id).limit(rows_max)
        if after is not None:
            wanted = wanted.where(EndCompany.psa_company_id > after)
        if m365_tenant_id is not None:
            wanted = wanted.where(EndCompany.m365_tenant_id == m365_tenant_id)
        return await read_page(self._db, wanted)

    def all(self) -> Select[EndCompany]:
        return self._owned()

    async def create(self, values: dict[str, Any]) -> EndCompany:
        added = insert(EndCompany).values(tenant_id=self._tenant_id, **values).on_conflict_do_nothing()
        created: EndCompany | None = await self._db.scalar(added.returning(EndCompany))
        if created is None:
            raise EndCompanyExists("There is a company with this `psa_company_id` already: update it.")
        return created

    async def change(self, company: EndCompany, changes: dict[str, Any]) -> EndCompany:
        mine = (EndCompany.tenant_id == self._tenant_id) & (
            EndCompany.psa_company_id == company.psa_company_id
        )
        changed = (
            update(EndCompany)
            .where(mine)
            .values(**changes, version=EndCompany.version + 1, updated_at=func.now())
            .returning(EndCompany)
            .execution_options(populate_existing=True)
        )
        return (await self._db.scalars(changed)).one()

    async def delete(self, company_id: str) -> None:
        mine = (EndCompany.tenant_id == self._tenant_id) & (EndCompany.psa_company_id == company_id)
        gone = await self._db.scalar(delete(EndCompany).where(mine).returning(EndCompany.psa_company_id))
        if gone is None:
            raise no_such_company()

    def _owned(self) -> Select[EndCompany]:
        return select(EndCompany).where(EndCompany.tenant_id == self._tenant_id)


def no_such_company(details: Mapping[str, object] | None = None) -> EndCompanyNotFound:
    return EndCompanyNotFound("No such end company.", details=details)
