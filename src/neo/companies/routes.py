from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.api import JsonBody, Page, json_body, long_page, operation, requested_page, success, when_large
from neo.companies import paging
from neo.companies.administer import CompanyChange, CompanyDesk
from neo.companies.ids import is_company_id
from neo.companies.schemas import (
    BulkUpdateEndCompaniesRequest,
    CreateEndCompanyRequest,
    DeletedEndCompany,
    PublicEndCompany,
    UpdateEndCompanyRequest,
)
from neo.companies.shown import columns_of, shown_company
from neo.companies.store import no_such_company
from neo.db import fitting
from neo.errors import Failure
from neo.kit import find_guid

TAG = "End companies"
GUID_PATTERN = "^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"

router = APIRouter(prefix="/public-api/end-companies")


async def desk_of(request: Request) -> CompanyDesk:
    return CompanyDesk(request.app.state.database, request.app.state.row_bounds)


async def known_company_id(psa_company_id: str) -> str:
    if not is_company_id(psa_company_id):
        raise no_such_company()
    return psa_company_id


Desk = Annotated[CompanyDesk, Depends(desk_of)]
Viewer = Annotated[Principal, Depends(caller_with(Right.VIEW_TENANT))]
Administrator = Annotated[Principal, Depends(caller_with(Right.MANAGE_TENANT))]
CompanyId = Annotated[str, Depends(known_company_id)]
Paged = Annotated[Page, Depends(requested_page)]


@router.post(
    "",
    **operation(
        "public_api.end_company_create_post",
        "Create an end company",
        tag=TAG,
        body=CreateEndCompanyRequest,
        data=PublicEndCompany,
    ),
)
async def create_company(
    request: Request,
    caller: Administrator,
    desk: Desk,
    body: Annotated[JsonBody[CreateEndCompanyRequest], Depends(json_body(CreateEndCompanyRequest))],
) -> Response:
    """Add a customer, by its id in your PSA. A known `psa_company_id` is `409 end_company_exists`."""
    wanted, warnings = body.parse()
    created = await desk.create(caller, wanted.psa_company_id, columns_of(wanted))
    return success(request, shown_company(created), warnings=warnings)


@router.get(
    "",
    **operation(
        "public_api.end_company_list_get",
        "List end companies",
        tag=TAG,
        data=PublicEndCompany,
        is_list=True,
    ),
)
async def list_companies(
    request: Request,
    caller: Viewer,
    desk: Desk,
    page: Paged,
    tenant_id: Annotated[
        str | None,
        Query(pattern=GUID_PATTERN, description="Only companies of this Microsoft 365 tenant (a GUID)."),
    ] = None,
) -> Response:
    """The tenant's end companies in the order of `psa_company_id`. Page with `cursor`."""
    async with long_page(request):
        return await _page(request, caller, desk, page, find_guid(tenant_id))


async def _page(
    request: Request, caller: Principal, desk: CompanyDesk, page: Page, m365_tenant_id: UUID | None
) -> Response:
    found = await desk.page(
        caller,
        page.size + 1,
        after=paging.companies_after(caller, page),
        m365_tenant_id=m365_tenant_id,
    )
    fit = fitting(found)
    page = page.ending_after(fit.rows)

    def answer() -> Response:
        return success(
            request,
            [shown_company(company) for company in found[: page.size]],
            is_page=True,
            next_cursor=paging.next_companies(caller, page, found),
        )

    return await when_large(request, fit.size_bytes, answer)


@router.post(
    "/bulk-update",
    **operation(
        "public_api.end_company_bulk_update_post",
        "Update several end companies",
        tag=TAG,
        body=BulkUpdateEndCompaniesRequest,
        data=PublicEndCompany,
        is_list=True,
    ),
)
async def update_companies(
    request: Request,
    caller: Administrator,
    desk: Desk,
    body: Annotated[
        JsonBody[BulkUpdateEndCompaniesRequest], Depends(json_body(BulkUpdateEndCompaniesRequest))
    ],
) -> Response:
    """Change up to 200 companies, all of them or none, and get them back in the same order. Of each only the
    fields that are sent change.

    An unknown `psa_company_id` is `404 end_company_not_found`, a `version` that is not the current one is
    `409 end_company_update_conflict`; `details.index` says which of the list it was. A company that is named twice
    is `422`. A body has at most 1 MiB.
    """
    wanted, warnings = body.parse()
    changes = [CompanyChange(one.psa_company_id, columns_of(one), one.version) for one in wanted.companies]
    changed = await desk.update_all(caller, changes)
    unknown = sorted({name for one in wanted.companies for name in one.model_extra or {}})
    ignored = [f"Unknown field ignored: companies.{name[:80]}" for name in unknown]
    return success(request, [shown_company(company) for company in changed], warnings=[*warnings, *ignored])


@router.get(
    "/{psa_company_id}",
    **operation("public_api.end_company_get", "Get an end company", tag=TAG, data=PublicEndCompany),
)
async def get_company(request: Request, caller: Viewer, desk: Desk, psa_company_id: CompanyId) -> Response:
    """One end company, by its id in your PSA (percent-encoded where needed)."""
    return success(request, shown_company(await desk.get(caller, psa_company_id)))


@router.patch(
    "/{psa_company_id}",
    **operation(
        "public_api.end_company_update_patch",
        "Update an end company",
        tag=TAG,
        body=UpdateEndCompanyRequest,
        data=PublicEndCompany,
    ),
)
async def update_company(
    request: Request,
    caller: Administrator,
    desk: Desk,
    psa_company_id: CompanyId,
    body: Annotated[JsonBody[UpdateEndCompanyRequest], Depends(json_body(UpdateEndCompanyRequest))],
) -> Response:
    """A partial update: only the fields that are sent change, null clears one that may be null. With a `version`
    that is not the current one nothing changes: `409 end_company_update_conflict`. New instructions count from the
    next turn on, in sessions that are open too.
    """
    try:
        wanted, warnings = body.parse()
    except Failure:
        # A caller who may not see the company gets 404, whatever the body is.
        await desk.get(caller, psa_company_id)
        raise
    change = CompanyChange(psa_company_id, columns_of(wanted), wanted.version)
    return success(request, shown_company(await desk.update(caller, change)), warnings=warnings)


@router.delete(
    "/{psa_company_id}",
    **operation("public_api.end_company_delete", "Delete an end company", tag=TAG, data=DeletedEndCompany),
)
async def delete_company(
    request: Request, caller: Administrator, desk: Desk, psa_company_id: CompanyId
) -> Response:
    """Delete a company for good. Sessions of its users keep its id and go on without its instructions; new
    white-label chats from its Microsoft tenant are refused with `end_company_not_mapped`.
    """
    await desk.delete(caller, psa_company_id)
    return success(request, DeletedEndCompany(psa_company_id=psa_company_id))
