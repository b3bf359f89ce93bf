"""Checks whose the bots are: what the operator has not said yet, and what counts for nothing because of it."""

from typing import TYPE_CHECKING

from neo.cli.doctor.findings import Finding, fine, warning

if TYPE_CHECKING:
    from neo.db import Database

BOTS = "bots"
CONFIRM = "`neo bots list --unconfirmed`, then `neo bots grant` or `neo bots revoke`"


async def check_bots(owner: "Database") -> list[Finding]:
    from neo.channels import foreign_installs, known_bots  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    async with owner.without_tenant() as connection:
        found, foreign = await known_bots(connection), await foreign_installs(connection)
    assumed = sum(bot.tenant_id is not None and not bot.is_confirmed for bot in found)
    idle = sum(len(bot.idle) for bot in found)
    findings = []
    if assumed:
        said = f"Whose {assumed} bots are was taken from their channels, and nobody has confirmed it."
        findings.append(warning(BOTS, said, CONFIRM))
    if idle:
        said = f"{idle} ACTIVE channels name a bot that is not their tenant's: nothing is routed by them."
        findings.append(warning(BOTS, said, CONFIRM))
    if foreign:
        said = f"{foreign} installs are for a Microsoft tenant that is another tenant's own: nothing is routed by them."
        findings.append(warning(BOTS, said, "have the channels' owners remove them"))
    return findings or [fine(BOTS, "Each channel's bot is its tenant's.")]
