"""Runs all engines on a folder, with the scripted model, says where they are in one JSON line, and ends with its input.

python -m bench.engines FOLDER
"""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from neo.engines.stack import engines_up


async def main(folder: Path) -> None:
    async with engines_up(folder, models="scripted") as addresses:
        found = asdict(addresses)
        print(json.dumps({name: str(value) for name, value in found.items() if name != "pids"}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
