"""What `neo doctor` says of bots that nobody has confirmed, and of channels that count for nothing."""

from uuid import UUID, uuid4

from cli.doctor.ward import Ward, states
from neo.agents import create_tenant
from neo.cli.doctor.tenants.bots import BOTS, check_bots

CHANNEL = """
INSERT INTO channels (id, tenant_id, agent_id, transport, audience, bot_id, internal_name)
SELECT :id, tenant_id, min(id), 'TEAMS', 'END_USER', :bot, 'A channel' FROM agents GROUP BY tenant_id
"""
ASSUMED = """
INSERT INTO bots (id, tenant_id, is_confirmed) SELECT bot_id, tenant_id, false FROM channels WHERE id =
"""
INSTALL = """
INSERT INTO channel_installs (tenant_id, channel_id, end_client_tenant_id)
SELECT tenant_id, id, :entra FROM channels WHERE id = :id
"""


async def test_what_the_operator_has_to_say_of_bots_is_said(ward: Ward) -> None:
    bare, entra = ward.bare, uuid4()
    own = await _channel(ward)
    await _channel(ward)
    before = await check_bots(bare.owner)
    await bare.by_owner(f"{ASSUMED} '{own}'")
    await create_tenant(bare.owner, "Another", entra_tenant_id=entra)
    await bare.change(INSTALL, id=own, entra=entra)

    found = (await ward.by_command())[BOTS]

    assert ["2 ACTIVE channels" in finding.said for finding in before] == [True]
    assert states({BOTS: found}, BOTS) == ["warning"] * 3
    for finding, said in zip(found, ("Whose 1 bots", "1 ACTIVE channels", "1 installs"), strict=True):
        assert said in finding.said

    await bare.change("DELETE FROM channel_installs")
    await bare.change("DELETE FROM channels")
    await bare.by_owner("DELETE FROM bots")
    assert states({BOTS: await check_bots(bare.owner)}, BOTS) == ["ok"]


async def _channel(ward: Ward) -> UUID:
    channel = uuid4()
    await ward.bare.change(CHANNEL, id=channel, bot=uuid4())
    return channel
