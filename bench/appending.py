"""A turn that is told as fast as a writer can: no model says so much, and tails are to be the bound.

python -m bench.appending REDIS_URL SESSION_ID EVENTS
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import uvloop
from bench.idle import driver_url
from bench.neo import Neo

from neo.events import EventLog, Position, SegmentWriter, envelope
from neo.streams import Valkey

# Deltas of one part are merged before they are sent; of two parts in turn each is an event of its own.
PARTS = ("a", "b")
# What a writer gives at a time: more than readers take while it is written.
EVENTS_AT_ONCE = 64
FLUSH_SECONDS = 30.0

TENANT = "SELECT tenant_id FROM chat_sessions WHERE id = $1"
SET_TENANT = "SELECT set_config('neo.tenant_id', $1, false)"
# Nobody may claim it: nobody is to answer it.
BEGIN = """
    INSERT INTO chat_turns (id, tenant_id, session_id, turn_no, status, model_tier, user_message_id,
                            reply_message_id, claim, started_at)
    VALUES (gen_random_uuid(), $1, $2, 1, 'RUNNING', 'FAST', gen_random_uuid(), gen_random_uuid(), 1, now())
"""
NOTE = "UPDATE chat_sessions SET last_turn_no = 1 WHERE id = $1"
END = "DELETE FROM chat_turns WHERE session_id = $1"


@asynccontextmanager
async def running_turn(neo: Neo, session_id: str) -> AsyncIterator[None]:
    """The session's first turn, of which PostgreSQL says that it runs and has its first claim."""
    owner = await asyncpg.connect(driver_url(neo, "database_owner_url"))
    tenant_id = await owner.fetchval(TENANT, UUID(session_id))
    await owner.close()
    connection = await asyncpg.connect(driver_url(neo, "database_url"))
    try:
        await connection.execute(SET_TENANT, str(tenant_id))
        await connection.execute(BEGIN, tenant_id, UUID(session_id))
        await connection.execute(NOTE, UUID(session_id))
        yield
        await connection.execute(END, UUID(session_id))
    finally:
        await connection.close()


@asynccontextmanager
async def appender(neo: Neo, session_id: str, events: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is ready to append; it begins at the first line that it is given."""
    words = (neo.addresses["redis_url"], session_id, str(events))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def append(url: str, session_id: str, events: int) -> None:
    valkey = Valkey(url)
    begins = Position(1, 1, 1, 0)
    writer = SegmentWriter(EventLog(valkey), UUID(session_id), begins, after=None, next_claim=_no_claim)
    await writer.open()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for n in range(events):
        writer.write(envelope.text_delta(PARTS[n % 2], f"word{n} "))
        if n % EVENTS_AT_ONCE == EVENTS_AT_ONCE - 1:
            while not await writer.flush(FLUSH_SECONDS):
                continue
    await writer.flush(FLUSH_SECONDS)
    await writer.aclose()
    await valkey.aclose()


async def _no_claim() -> int:
    """A stream that was lost is a figure that does not count."""
    return 0


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(append(sys.argv[1], sys.argv[2], int(sys.argv[3])))
