"""Whoever asks for many large pages at once waits for themselves, and nobody else does."""

import asyncio

from sqlalchemy import text

from neo.db import PAGE_BYTES_MAX
from support.client import SESSIONS
from support.people import People
from support.rows import Rows

ASKED = 100
LENGTHEN = text(
    """UPDATE chat_messages SET parts = jsonb_build_array(
           jsonb_build_object('type', 'text', 'text', repeat('x', :length))) WHERE session_id = :session"""
)
# A tenth of what clients wait for, and of what a connection is waited for.
OTHERS_SECONDS = 2.0


async def test_while_one_tenant_asks_for_many_large_pages_another_one_is_answered(
    people: People, rows: Rows
) -> None:
    tenants = [await rows.tenant() for _ in range(2)]
    loud, quiet = (people.client(tenant.api_key) for tenant in tenants)
    session, its = await loud.open(), await quiet.open()
    accepted = await loud.say(session, "Hello")
    await loud.ended(session, accepted["chat_turn_id"])
    async with rows.owner.transaction(tenants[0].id) as owner:
        await owner.execute(LENGTHEN, {"length": PAGE_BYTES_MAX // 2 - 100, "session": session})

    async def page() -> tuple[int, str | None]:
        answer = await loud.http.get(f"{SESSIONS}/{session}/messages")
        return answer.status_code, answer.json().get("error", {}).get("code")

    asking = [asyncio.create_task(page()) for _ in range(ASKED)]
    answers = list[int]()
    while not all(one.done() for one in asking):
        async with asyncio.timeout(OTHERS_SECONDS):
            answers.append((await quiet.http.get(f"{SESSIONS}/{its}/messages")).status_code)

    assert set(answers) == {200}
    assert set(await asyncio.gather(*asking)) == {(200, None), (429, "too_many_long_pages")}
