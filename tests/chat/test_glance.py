"""A look that many share gives each what is theirs, and nothing else."""

import asyncio

from sqlalchemy import text

from neo.chat.glance import Glances
from support.counting import CountingDatabase
from support.rows import Rows, opened
from support.server import Server

DIGEST = text("SELECT digest FROM api_keys")
REVOKE = text("UPDATE api_keys SET revoked_at = now()")


async def test_who_asks_for_anothers_session_gets_nothing_though_its_owner_asks_at_once(
    rows: Rows, server: Server, database: CountingDatabase
) -> None:
    one, other = await rows.tenant(), await rows.tenant()
    mine, theirs = await opened(server, one), await opened(server, other)
    glances = Glances(database)

    first = asyncio.create_task(glances.of(one.id, mine))
    await asyncio.sleep(0)
    together = await asyncio.gather(
        glances.of(other.id, theirs),
        glances.of(one.id, theirs),
        glances.of(other.id, mine),
        glances.of(one.id, mine),
    )

    assert [glance.id if glance else None for glance in (await first, *together)] == [
        mine,
        theirs,
        None,
        None,
        mine,
    ]


async def test_who_is_only_presumed_gets_what_their_key_is_good_for(
    rows: Rows, server: Server, database: CountingDatabase
) -> None:
    one, other = await rows.tenant(), await rows.tenant()
    mine = await opened(server, one)
    async with database.transaction(one.id) as db:
        holding = await db.scalar(DIGEST)
    async with database.transaction(other.id) as db:
        anothers = await db.scalar(DIGEST)
    glances = Glances(database)

    first = asyncio.create_task(glances.of(one.id, mine, anothers))
    await asyncio.sleep(0)
    together = await asyncio.gather(
        *(glances.of(one.id, mine, digest) for digest in (holding, anothers, b"none", None))
    )
    async with database.transaction(one.id) as db:
        await db.execute(REVOKE)

    assert await first is None
    assert [glance is not None for glance in together] == [True, False, False, True]
    assert await glances.of(one.id, mine, holding) is None
