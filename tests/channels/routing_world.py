"""Two tenants with every kind of bot, and the platform that relays to them."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import insert, text

from neo.agents import AgentStore, Audience, ManagedAgentKey
from neo.channels import Channel, ChannelInstall, ChannelStatus
from neo.companies import EndCompany
from support.rows import Rows, Tenant


@dataclass(frozen=True)
class World:
    platform: Tenant
    target: Tenant
    owner: Tenant
    suspended: Tenant
    # The caller's own agent, each tenant's Neo Support, each channel's agent.
    named_agent: int
    support: dict[UUID, int]
    msp_agent: int
    white_label_agent: int
    bots: dict[str, str | None]
    inbound: dict[str, str | None]
    company: str

    def clients(self) -> dict[str, list[str | None]]:
        unknown = ["", "nonsense", str(uuid4()), str(self.suspended.id), str(self.platform.id)]
        return {
            "-": [None],
            "known": [str(self.target.id), str(self.target.id).upper()],
            "owner": [str(self.owner.id)],
            "unknown": list(unknown),
        }


async def make_world(rows: Rows) -> World:
    platform, target, owner = await rows.platform(), await rows.tenant("Target"), await rows.tenant("Owner")
    suspended = await rows.tenant("Suspended")
    async with rows.owner.without_tenant() as db:
        await db.execute(text("UPDATE tenants SET suspended_at = now() WHERE id = :id"), {"id": suspended.id})
    bots = {"white-label": uuid4(), "paused": uuid4(), "msp": uuid4(), "unregistered": uuid4()}
    inbound = {"mapped": uuid4(), "unmapped": uuid4(), "several": uuid4(), "elsewhere": uuid4()}
    msp_agent = await rows.agent(tenant_id=target.id)
    white_label_agent = await rows.agent(tenant_id=owner.id, audience=Audience.END_USER)
    await _channel(rows, target.id, msp_agent, bots["msp"], Audience.MSP)
    installed = [inbound["mapped"], inbound["unmapped"], inbound["several"]]
    await _channel(rows, owner.id, white_label_agent, bots["white-label"], Audience.END_USER, installed)
    await _channel(
        rows,
        owner.id,
        white_label_agent,
        bots["paused"],
        Audience.END_USER,
        installed,
        ChannelStatus.DISCONNECTED,
    )
    # Nobody was given this bot, and whoever names it gets nothing by it.
    await _channel(rows, target.id, msp_agent, bots["unregistered"], Audience.MSP, is_granted=False)
    await _channel(
        rows,
        owner.id,
        white_label_agent,
        bots["unregistered"],
        Audience.END_USER,
        installed,
        is_granted=False,
    )
    await _companies(
        rows, owner.id, {"one": inbound["mapped"], "a": inbound["several"], "b": inbound["several"]}
    )
    # A company of somebody else that is linked to the same Microsoft tenants counts for nothing.
    await _companies(rows, target.id, {"foreign": inbound["mapped"], "also": inbound["unmapped"]})
    return World(
        platform, target, owner, suspended,
        named_agent=await rows.agent(tenant_id=target.id),
        support={tenant.id: await _support(rows, tenant.id) for tenant in (target, owner)},
        msp_agent=msp_agent,
        white_label_agent=white_label_agent,
        bots={"-": None, "malformed": "28:bot", **{name: str(bot) for name, bot in bots.items()}},
        inbound={"-": None, "malformed": "common", **{name: str(one) for name, one in inbound.items()}},
        company="one",
    )  # fmt: skip


async def _channel(
    rows: Rows,
    tenant_id: UUID,
    agent_id: int,
    bot_id: UUID,
    audience: Audience,
    installed: list[UUID] = [],  # noqa: B006
    status: ChannelStatus = ChannelStatus.ACTIVE,
    *,
    is_granted: bool = True,
) -> None:
    channel_id = uuid4()
    values = {
        "id": channel_id,
        "tenant_id": tenant_id,
        "agent_id": agent_id,
        "bot_id": bot_id,
        "audience": audience,
    }
    if is_granted:
        await rows.bot(tenant_id, bot_id)
    async with rows.database.transaction(tenant_id) as db:
        await db.execute(
            insert(Channel).values(**values, transport="TEAMS", status=status, internal_name="Test channel")
        )
        for one in installed:
            await db.execute(
                insert(ChannelInstall).values(
                    tenant_id=tenant_id, channel_id=channel_id, end_client_tenant_id=one
                )
            )


async def _companies(rows: Rows, tenant_id: UUID, companies: dict[str, UUID]) -> None:
    async with rows.database.transaction(tenant_id) as db:
        for name, m365 in companies.items():
            await db.execute(
                insert(EndCompany).values(
                    tenant_id=tenant_id, psa_company_id=name, psa_company_name=name, m365_tenant_id=m365
                )
            )


async def _support(rows: Rows, tenant_id: UUID) -> int:
    async with rows.database.transaction(tenant_id) as db:
        return (await AgentStore(db, tenant_id).get_managed(ManagedAgentKey.NEO_SUPPORT)).id
