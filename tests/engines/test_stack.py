import os
import stat
from pathlib import Path

import httpx2
from redis.asyncio import Redis

from engines.serving_apart import connect
from neo.engines.addresses import Addresses
from neo.engines.data_folder.layout import locked
from neo.engines.local_model import MODEL
from neo.engines.postgres.home import open_home
from neo.engines.stack import engines_up


async def test_what_one_start_wrote_the_next_one_finds(data_dir: Path) -> None:
    async with engines_up(data_dir, models="local") as addresses:
        await write(addresses)
        await assert_roles_are_kept_apart(addresses)
        await assert_the_model_answers(addresses)
        first = addresses

    async with engines_up(data_dir) as addresses:
        assert await read(addresses) == ("kept", b"kept")
        assert addresses.temporal_address == first.temporal_address
        assert addresses.database_url == first.database_url


async def test_one_engine_alone_can_be_asked_for(data_dir: Path) -> None:
    async with engines_up(data_dir, parts=("postgres",)) as addresses:
        assert set(addresses.pids) == {"postgres"}
        assert addresses.redis_url == ""
        assert_modes_are_private(data_dir)
        connection = await connect(addresses.database_url)
        shown = {name: await connection.fetchval(f"SHOW {name}") for name in SAFE}
        await connection.close()

    assert shown == SAFE
    await assert_a_stale_lock_file_is_no_obstacle(data_dir)


SAFE = {
    "fsync": "on",
    "data_checksums": "on",
    "listen_addresses": "",
    "server_encoding": "UTF8",
    "TimeZone": "UTC",
    "max_connections": "200",
}


async def write(addresses: Addresses) -> None:
    connection = await connect(addresses.database_owner_url)
    await connection.execute("CREATE TABLE note (text text); INSERT INTO note VALUES ('kept')")
    await connection.execute("GRANT SELECT ON note TO neo_app")
    await connection.close()
    async with Redis.from_url(addresses.redis_url) as redis:
        await redis.set("note", "kept")


async def read(addresses: Addresses) -> tuple[object, object]:
    connection = await connect(addresses.database_url)
    text = await connection.fetchval("SELECT text FROM note")
    await connection.close()
    async with Redis.from_url(addresses.redis_url) as redis:
        return text, await redis.get("note")


async def assert_roles_are_kept_apart(addresses: Addresses) -> None:
    connection = await connect(addresses.database_url)
    roles = await connection.fetch(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'neo%' ORDER BY 1"
    )
    owner = await connection.fetchval("SELECT datdba::regrole::text FROM pg_database WHERE datname = 'neo'")
    await connection.close()
    assert [tuple(role) for role in roles] == [("neo_app", False, False), ("neo_owner", False, False)]
    assert owner == "neo_owner"


async def assert_the_model_answers(addresses: Addresses) -> None:
    # Its server closes a connection that was idle for 5 seconds.
    alone = {"connection": "close"}
    async with httpx2.AsyncClient(
        base_url=addresses.local_model_url, headers=alone, timeout=60, trust_env=False, verify=False
    ) as client:
        asked = {"model": MODEL, "input": "Say hi.", "stream": True, "max_output_tokens": 8}
        stream = (await client.post("/responses", json=asked)).text
        messages = [{"role": "user", "content": "Say hi."}]
        asked = {"model": MODEL, "messages": messages, "max_tokens": 8}
        chat = (await client.post("/chat/completions", json=asked)).json()
    kinds = [line.removeprefix("event: ") for line in stream.splitlines() if line.startswith("event: ")]
    assert "response.output_text.delta" in kinds
    assert kinds[-1] in {"response.completed", "response.incomplete"}
    assert chat["choices"][0]["message"]["content"]


async def assert_a_stale_lock_file_is_no_obstacle(data_dir: Path) -> None:
    with locked(data_dir) as folder:
        data = open_home(folder).data
    # A pid that is taken again, by a process of the same user: ours.
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
    async with engines_up(data_dir, parts=("postgres",)) as addresses:
        await (await connect(addresses.database_url)).close()


def assert_modes_are_private(data_dir: Path) -> None:
    private = (data_dir, data_dir / "instance", data_dir / "running.json", data_dir / "logs/postgres.log")
    for path in private:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
