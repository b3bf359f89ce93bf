"""A turn's stream with a word in each event, as a model that takes its time would have made it."""

import json
import re
from typing import Any
from uuid import UUID

import asyncpg
from bench.idle import driver_url
from bench.neo import Neo
from redis.asyncio import Redis

WORD = re.compile(r"\S+\s*")
# What a pipeline carries at a time.
EVENTS_AT_ONCE = 1_000

Event = tuple[bytes, bytes]


async def recut(neo: Neo, session_id: str) -> int:
    """Cut the text of a session's only turn, which has ended, into words; how many events it has then."""
    key = f"neo:{{{session_id}}}:events"
    async with Redis.from_url(neo.addresses["redis_url"]) as valkey:
        kept: Any = await valkey.xrange(key)
        left = kept[0][0].partition(b"-")[0].decode()
        events = [event for _, fields in kept for event in _cut(fields[b"k"], fields[b"p"])]
        await valkey.delete(key)
        for first in range(0, len(events), EVENTS_AT_ONCE):
            lot = valkey.pipeline(transaction=False)
            for n, (kind, payload) in enumerate(events[first : first + EVENTS_AT_ONCE], start=first + 1):
                lot.xadd(key, {"k": kind, "p": payload}, id=f"{left}-{n}")
            await lot.execute()
    await _note_end(neo, session_id, len(events))
    return len(events)


def _cut(kind: bytes, payload: bytes) -> list[Event]:
    chunk = json.loads(payload)
    if chunk["type"] != "text-delta":
        return [(kind, payload)]
    words = WORD.findall(chunk["delta"])
    return [(kind, json.dumps({**chunk, "delta": word}, separators=(",", ":")).encode()) for word in words]


async def _note_end(neo: Neo, session_id: str, terminal_n: int) -> None:
    """The turn's row says where its events end."""
    connection = await asyncpg.connect(driver_url(neo, "database_url"))
    try:
        owner = await asyncpg.connect(driver_url(neo, "database_owner_url"))
        tenant_id = await owner.fetchval(
            "SELECT tenant_id FROM chat_sessions WHERE id = $1", UUID(session_id)
        )
        await owner.close()
        await connection.execute("SELECT set_config('neo.tenant_id', $1, false)", str(tenant_id))
        changed = "UPDATE chat_turns SET terminal_n = $2 WHERE session_id = $1"
        await connection.execute(changed, UUID(session_id), terminal_n)
    finally:
        await connection.close()
