"""Turns rows into the API's resources, and bodies into columns."""

from typing import Any

from pydantic import BaseModel

from neo.api import changes_of
from neo.companies.models import EndCompany
from neo.companies.schemas import PublicEndCompany

NO_COLUMNS = frozenset({"version", "psa_company_id"})


def shown_company(company: EndCompany) -> PublicEndCompany:
    return PublicEndCompany(
        psa_company_id=company.psa_company_id,
        psa_company_name=company.psa_company_name,
        tenant_id=str(company.m365_tenant_id) if company.m365_tenant_id else None,
        custom_instructions=company.custom_instructions,
        custom_instructions_for_user_facing_chat=company.custom_instructions_for_user_facing_chat,
        auto_assign_exchange_admin=company.auto_assign_exchange_admin,
        employee_identity_provider=company.employee_identity_provider,
        mailbox_provider=company.mailbox_provider,
        marketplace_company_ids=company.marketplace_company_ids,
        azure_application_access_granted=False,
        azure_delegated_access_granted=False,
        version=company.version,
        created_at=company.created_at,
        updated_at=company.updated_at,
    )


def columns_of(update: BaseModel) -> dict[str, Any]:
    """The fields that were sent, by column name."""
    changes = changes_of(update, apart=NO_COLUMNS)
    if "tenant_id" in changes:
        changes["m365_tenant_id"] = changes.pop("tenant_id")
    if "marketplace_company_ids" in changes:
        changes["marketplace_company_ids"] = [one.model_dump() for one in changes["marketplace_company_ids"]]
    return changes
