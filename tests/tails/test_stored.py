"""A look that many share gives each what is theirs, and nothing else."""

import asyncio

from neo.tails.stored import SessionSnapshots
from support.counting import CountingDatabase
from support.rows import Rows, opened
from support.server import Server


async def test_who_asks_for_anothers_session_gets_nothing_though_its_owner_asks_at_once(
    rows: Rows, server: Server, database: CountingDatabase
) -> None:
    one, other = await rows.tenant(), await rows.tenant()
    mine, theirs = await opened(server, one), await opened(server, other)
    snapshots = SessionSnapshots(database)

    first = asyncio.create_task(snapshots.of(one.id, mine))
    await asyncio.sleep(0)
    together = await asyncio.gather(
        snapshots.of(other.id, theirs),
        snapshots.of(one.id, theirs),
        snapshots.of(other.id, mine),
        snapshots.of(one.id, mine),
    )

    assert [snapshot.id if snapshot else None for snapshot in (await first, *together)] == [
        mine,
        theirs,
        None,
        None,
        mine,
    ]
