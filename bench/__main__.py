"""Starts Neo, runs the scenarios against it, prints every figure and keeps them in RESULTS.md.

python -m bench [A1,FAN]
"""

import argparse
import asyncio
import gc
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from time import perf_counter

import uvloop
from bench.children import end_on_sigterm
from bench.idle import turns_ended, until_idle
from bench.neo import Neo, neo_running

from bench import results

SCENARIOS = ("COLD", "A1", "A64", "POST", "B200", "C300", "FAN", "IDLE", "RESUME", "GROW", "NOISY", "SHAPES")

# No scenario takes half of it on a machine that is not occupied otherwise.
SCENARIO_SECONDS = 240


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="?", default=",".join(SCENARIOS), help="some of them, by commas")
    asked = parser.parse_args().scenarios.upper().split(",")
    if unknown := set(asked) - set(SCENARIOS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    # A collection of garbage in here would be seen as a slow server.
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(asked))


async def measure(names: Sequence[str]) -> None:
    end_on_sigterm()
    started = perf_counter()
    async with neo_running() as neo:
        for name in names:
            await _measure_one(name, neo)
    print(f"\n{perf_counter() - started:.0f} s in all; kept in {results.FILE}")


async def _measure_one(name: str, neo: Neo) -> None:
    scenario = importlib.import_module(f"bench.scenarios.{name.lower()}")
    await turns_ended(neo)
    await until_idle(neo.parts)
    began, load_average = perf_counter(), os.getloadavg()[0]
    print(f"\n{name}: {scenario.TITLE}", file=sys.stderr)
    try:
        async with asyncio.timeout(SCENARIO_SECONDS):
            figures = await scenario.run(neo)
    except Exception:  # noqa: BLE001 - the others are still worth measuring.
        print(f"{name} did not come to its end:\n{traceback.format_exc()}", file=sys.stderr)
        return
    section = results.section(name, scenario.TITLE, figures, began=began, load_average=load_average)
    print(section, flush=True)
    results.keep(section)
    gc.collect()


if __name__ == "__main__":
    main()
