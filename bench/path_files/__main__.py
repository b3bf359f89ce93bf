"""Counts the distinct files of src/neo of which a line runs between a POST and the end of its turn's tail.

python -m bench.path_files [--python OTHER/.venv/bin/python] [--list]

The server is a `neo serve` that is warm: some turns went before. Each turn is recorded for itself, and work in the
background (the sweeper, the metrics) falls into one turn or another, so the median is the figure. `--python` measures
another checkout, by the interpreter that it is installed in.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.neo import fresh_folder, started
from bench.neo_user import NeoUser

RECORDER = Path(__file__).parent / "recorder"
WARM_TURNS = 5
TURNS = 9
PACKAGE = "/src/neo/"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the checkout to measure")
    parser.add_argument("--list", action="store_true", help="name the files of the median turn, too")
    asked = parser.parse_args()
    turns = sorted(asyncio.run(recorded_turns(asked.python)), key=len)
    counts = [len(files) for files in turns]
    print(f"files between a POST and its terminal: {median(counts):.0f} ({counts[0]} to {counts[-1]})")
    if asked.list:
        print("\n".join(sorted(turns[len(turns) // 2])))


async def recorded_turns(python: str) -> Sequence[set[str]]:
    with fresh_folder() as data:
        socket = data.parent / "recorder"
        environment = {"PYTHONPATH": str(RECORDER), "PATH_FILES_SOCKET": str(socket)}
        neo = await started(data, python=python, environment=environment)
        try:
            user = NeoUser(neo)
            await user.begin()
            for _ in range(WARM_TURNS):
                await user.turn()
            return [await _recorded(user, socket) for _ in range(TURNS)]
        finally:
            await neo.stop()


async def _recorded(user: NeoUser, socket: Path) -> set[str]:
    """The files of one turn: the recorder records while this connection is open for writing."""
    reader, writer = await asyncio.open_unix_connection(socket)
    await reader.readline()
    await user.turn()
    writer.write_eof()
    files = (await reader.read()).decode().splitlines()
    writer.close()
    return {file.partition(PACKAGE)[2] for file in files if PACKAGE in file}


if __name__ == "__main__":
    main()
