from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from neo.access.audit_log.schemas import AuditEntryResource
from neo.access.audit_log.shown import shown_entry
from neo.access.gate import caller_with
from neo.access.principal import Principal
from neo.access.rights import Right
from neo.api import Page, next_cursor, number_before, operation, requested_page, success
from neo.audit import AuditStore
from neo.db import Database

router = APIRouter(prefix="/public-api/audit-log")

# The log's numbers are PostgreSQL's bigint.
ENTRY_NUMBER_MAX = 2**63 - 1

Caller = Annotated[Principal, Depends(caller_with(Right.READ_AUDIT))]
Paged = Annotated[Page, Depends(requested_page)]
Word = Annotated[str | None, Query(pattern=r"^[a-z_.]{1,100}$", description="Exactly this one.")]
ObjectId = Annotated[str | None, Query(pattern=r"^[^\x00-\x1f]{1,200}$", description="Exactly this one.")]


@router.get(
    "",
    **operation(
        "public_api.audit_log_list_get",
        "List the audit log",
        tag="Audit log",
        data=AuditEntryResource,
        is_list=True,
    ),
)
async def list_entries(
    request: Request,
    caller: Caller,
    page: Paged,
    action: Word = None,
    object_kind: Word = None,
    object_id: ObjectId = None,
) -> Response:
    """What was changed in the tenant, and by whom; newest first. Page with `cursor`, keeping the filters. Entries
    are only ever added; the operator may erase a person's details, and what is too old. For API keys and Admins.
    """
    kind = f"audit-log:{caller.tenant_id}"
    before = number_before(kind, page, number_max=ENTRY_NUMBER_MAX)
    database: Database = request.app.state.database
    async with database.transaction(caller.tenant_id) as db:
        found = await AuditStore(db, caller.tenant_id).newest(
            page.size + 1, before=before, action=action, object_kind=object_kind, object_id=object_id
        )
    return success(
        request,
        [shown_entry(entry) for entry in found[: page.size]],
        is_page=True,
        next_cursor=next_cursor(kind, page, found, lambda entry: (entry.sequence,)),
    )
