"""Checks what the tenants' secrets need: which value of NEO_SECRET_KEY, and whether that is given."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neo.cli.doctor.findings import Finding, fine, problem, warning

if TYPE_CHECKING:
    from neo.db import Database
    from neo.vault import KeyWrapping, WrappedBy

SECRETS = "secrets"
ROTATE = "`neo secrets rotate`"
GIVE_IT = "give that value after the first one, with a comma, and run `neo secrets rotate`; or enter these secrets anew"
# Who looks into it begins with these.
NAMED_MAX = 5


async def check_secrets(owner: "Database", wrapping: "KeyWrapping") -> list[Finding]:
    from neo.vault import secrets_kept, wrapped_by  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    async with owner.without_tenant() as connection:
        found, kept = await wrapped_by(connection), await secrets_kept(connection)
    outdated = [one for one in found if one.name != wrapping.newest]
    findings = []
    for one in outdated:
        if wrapping.knows(one.name):
            said = f"{_needs(one)} an older value of NEO_SECRET_KEY, which has to stay."
            findings.append(warning(SECRETS, said, ROTATE))
        else:
            said = f"{_needs(one)} a value of NEO_SECRET_KEY that is not given: they cannot be read."
            findings.append(problem(SECRETS, said, GIVE_IT))
    return findings or [fine(SECRETS, f"All {kept} need the first value of NEO_SECRET_KEY only.")]


def _needs(one: "WrappedBy") -> str:
    return f"{one.secrets} secrets of {len(one.tenants)} tenants ({_named(one.tenants)}) need"


def _named(tenants: Sequence[object]) -> str:
    more = ", ..." if len(tenants) > NAMED_MAX else ""
    return ", ".join(map(str, tenants[:NAMED_MAX])) + more
