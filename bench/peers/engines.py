"""Runs a PostgreSQL and a Valkey on a folder, says where they are in one JSON line, and ends with its input.

python -m bench.peers.engines FOLDER
"""

import asyncio
import json
import sys
from pathlib import Path

from neo.engines.stack import engines_up


async def main(folder: Path) -> None:
    async with engines_up(folder, parts=("postgres", "valkey")) as addresses:
        environment = {
            "DATABASE_URL": addresses.database_owner_url.replace("+asyncpg", ""),
            "REDIS_URL": addresses.redis_url,
        }
        print(json.dumps({"environment": environment, "pids": dict(addresses.pids)}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
