"""A tenant's time zone: what its agents take for now."""

from neo.agents.errors import TimezoneUnknown
from neo.kit import find_timezone
from neo.tenants import TenantStore


async def check_timezone(tenants: TenantStore, name: str | None) -> None:
    """Both lists have it: the database's, which knows names only, and that of the machine, which reckons with it."""
    if name is None or (await tenants.knows_timezone(name) and find_timezone(name) is not None):
        return
    raise TimezoneUnknown(
        "`timezone` is a name of the IANA time zone database, such as `Europe/Berlin`.",
        details={"fields": {"timezone": "is not the name of a time zone"}},
    )
