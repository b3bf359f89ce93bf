"""The look-ups that run before every request survive a server that closed their connections."""

import asyncio

from sqlalchemy import text

from support.client import SESSIONS, Client
from support.rows import Rows
from support.server import Server

END_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE usename = current_user AND pid <> pg_backend_pid() AND application_name = 'neo'"
)


async def test_requests_go_on_when_all_pooled_connections_were_closed(
    client: Client, rows: Rows, server: Server
) -> None:
    await asyncio.gather(*(client.http.get(SESSIONS) for _ in range(10)))
    async with rows.database.without_tenant() as connection:
        await connection.execute(END_OTHERS)

    answers = [await client.http.get(SESSIONS) for _ in range(10)]

    assert [answer.status_code for answer in answers] == [200] * 10, server.log()
