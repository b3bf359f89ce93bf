from collections.abc import Sequence

from neo.access import Principal
from neo.api import InvalidPage, Page, next_cursor, read_page_token
from neo.companies.ids import is_company_id
from neo.companies.models import EndCompany


def companies_after(caller: Principal, page: Page) -> str | None:
    if page.cursor is None:
        return None
    [company_id] = read_page_token(_kind(caller), page.cursor, 1)
    if not is_company_id(company_id):
        raise InvalidPage("Pass `next_cursor` of the page before, unchanged.")
    return str(company_id)


def next_companies(caller: Principal, page: Page, found: Sequence[EndCompany]) -> str | None:
    return next_cursor(_kind(caller), page, found, lambda company: (company.psa_company_id,))


def _kind(caller: Principal) -> str:
    # The tenant is in the cursor, so that one tenant's cursor is refused to another.
    return f"end-companies:{caller.tenant_id}"
