"""The request and response bodies of end companies."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from neo.api import Guid, Instructions, Name, free_of, left_alone
from neo.companies.ids import COMPANY_ID_CHARACTERS_MAX, is_company_id
from neo.companies.objects import check_object
from neo.llm import problem_with_variables

COMPANIES_MAX = 200
MARKETPLACE_IDS_MAX = 100


def _company_id(value: str) -> str:
    if not is_company_id(value):
        raise PydanticCustomError(
            "company_id",
            "has characters that are not printable, a slash, or spaces at an end",
        )
    return value


class MarketplaceCompany(BaseModel):
    """The company in a cloud marketplace. Fields of your own are kept."""

    model_config = ConfigDict(extra="allow")

    company_id: StrictStr | StrictInt


def _marketplace_ids(value: list[MarketplaceCompany]) -> list[MarketplaceCompany]:
    check_object([one.model_dump() for one in value])
    return value


CompanyId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=COMPANY_ID_CHARACTERS_MAX),
    AfterValidator(_company_id),
]
ChatInstructions = Annotated[Instructions, free_of(problem_with_variables)]
CompanyObject = Annotated[dict[str, Any], AfterValidator(check_object)]
MarketplaceIds = Annotated[
    list[MarketplaceCompany], Field(max_length=MARKETPLACE_IDS_MAX), AfterValidator(_marketplace_ids)
]

ID_TEXT = (
    "The company's id in your PSA: 1 to 200 printable characters without a slash. It is the id in the path and "
    "cannot be changed."
)
NAME_TEXT = "1 to 200 characters."
TENANT_TEXT = (
    "The company's Microsoft 365 tenant (a GUID). White-label chats from that tenant belong to the company that it "
    "is linked to; a tenant linked to none or to several is refused with `end_company_not_mapped`."
)
INSTRUCTIONS_TEXT = "What agents should know about this company; at most 100,000 characters."
CHAT_TEXT = (
    "Added to the agent's instructions in chats with this company's own users, with the same variables; at most "
    "100,000 characters."
)
ADMIN_TEXT = "Whether Neo may assign itself the Exchange administrator's role."
PROVIDER_TEXT = "An object of your own, kept as it is; at most 10 KiB as JSON. Put no password into it."
MARKETPLACE_TEXT = "At most 100 objects with a `company_id`, 10 KiB as JSON together."


class CreateEndCompanyRequest(BaseModel):
    psa_company_id: CompanyId = Field(description=ID_TEXT)
    psa_company_name: Name = Field(description=NAME_TEXT)
    tenant_id: Guid | None = Field(None, description=TENANT_TEXT)
    custom_instructions: Instructions | None = Field(None, description=INSTRUCTIONS_TEXT)
    custom_instructions_for_user_facing_chat: ChatInstructions | None = Field(None, description=CHAT_TEXT)
    auto_assign_exchange_admin: bool = Field(default=False, description=ADMIN_TEXT)
    employee_identity_provider: CompanyObject | None = Field(None, description=PROVIDER_TEXT)
    mailbox_provider: CompanyObject | None = Field(None, description=PROVIDER_TEXT)
    marketplace_company_ids: MarketplaceIds = Field(default_factory=list, description=MARKETPLACE_TEXT)


class UpdateEndCompanyRequest(BaseModel):
    """Only the fields that are sent change; null clears a field that may be null."""

    psa_company_name: Name = left_alone(NAME_TEXT)
    tenant_id: Guid | None = left_alone(TENANT_TEXT)
    custom_instructions: Instructions | None = left_alone(INSTRUCTIONS_TEXT)
    custom_instructions_for_user_facing_chat: ChatInstructions | None = left_alone(CHAT_TEXT)
    auto_assign_exchange_admin: bool = left_alone(ADMIN_TEXT)
    employee_identity_provider: CompanyObject | None = left_alone(PROVIDER_TEXT)
    mailbox_provider: CompanyObject | None = left_alone(PROVIDER_TEXT)
    marketplace_company_ids: MarketplaceIds = left_alone(MARKETPLACE_TEXT)
    version: int = left_alone("The version that you read; when it is not the current one: 409.")


class EndCompanyUpdate(UpdateEndCompanyRequest):
    """A company by its id, and the fields to change."""

    # Unknown fields are accepted and named in the warnings.
    model_config = ConfigDict(extra="allow")

    psa_company_id: CompanyId


def _once_each(value: list[EndCompanyUpdate]) -> list[EndCompanyUpdate]:
    if len({one.psa_company_id for one in value}) < len(value):
        raise PydanticCustomError("repeated", "names a company twice")
    return value


class BulkUpdateEndCompaniesRequest(BaseModel):
    companies: Annotated[
        list[EndCompanyUpdate], Field(max_length=COMPANIES_MAX), AfterValidator(_once_each)
    ] = Field(description="At most 200 companies, each once.")


class PublicEndCompany(BaseModel):
    """A customer of the managed-service provider."""

    psa_company_id: str
    psa_company_name: str
    tenant_id: str | None = Field(description="The company's Microsoft 365 tenant.")
    custom_instructions: str | None
    custom_instructions_for_user_facing_chat: str | None
    auto_assign_exchange_admin: bool
    employee_identity_provider: dict[str, Any] | None
    mailbox_provider: dict[str, Any] | None
    marketplace_company_ids: list[dict[str, Any]]
    azure_application_access_granted: bool = Field(
        description="Always false: nothing in this version asks the company's Microsoft tenant for access."
    )
    azure_delegated_access_granted: bool = Field(
        description="Always false: nothing in this version asks the company's Microsoft tenant for access."
    )
    version: int = Field(description="Counts the changes, from 1.")
    created_at: datetime
    updated_at: datetime


class DeletedEndCompany(BaseModel):
    """The company that is no more."""

    psa_company_id: str
