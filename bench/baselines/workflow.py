"""Turns without Neo: a bare workflow with one plain activity, by users who go on when it has run.

python -m bench.baselines.workflow ADDRESS --users 64 --seconds 6
"""

import argparse
import asyncio
import json
import os
import time
from datetime import timedelta
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

WARM_SECONDS = 1.0
AT_ONCE = 1000
TIMEOUT = timedelta(seconds=60)
RAN: dict[str, asyncio.Event] = {}


@activity.defn
async def bare_step(turn: str) -> None:
    RAN.pop(turn).set()


@workflow.defn
class BareTurn:
    @workflow.run
    async def run(self, turn: str) -> None:
        await workflow.execute_activity(bare_step, turn, start_to_close_timeout=TIMEOUT)


async def main(address: str, users: int, seconds: float) -> dict[str, float]:
    client = await Client.connect(address)
    queue = f"bench-{uuid4().hex}"
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[BareTurn],
        activities=[bare_step],
        # As Neo's own worker is set up.
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_concurrent_workflow_tasks=200,
        max_concurrent_activities=AT_ONCE,
    )
    async with worker:
        await _back_to_back(client, queue, users, WARM_SECONDS)
        began, spent = time.perf_counter(), time.process_time()
        turns = await _back_to_back(client, queue, users, seconds)
        took = time.perf_counter() - began
        return {"turns": turns, "per_second": turns / took, "cpu_seconds": time.process_time() - spent}


async def _back_to_back(client: Client, queue: str, users: int, seconds: float) -> int:
    until = time.perf_counter() + seconds

    async def go_on() -> int:
        turns = 0
        while time.perf_counter() < until:
            await _turn(client, queue)
            turns += 1
        return turns

    return sum(await asyncio.gather(*(go_on() for _ in range(users))))


async def _turn(client: Client, queue: str) -> None:
    turn = uuid4().hex
    ran = RAN[turn] = asyncio.Event()
    await client.start_workflow(BareTurn.run, turn, id=turn, task_queue=queue, request_eager_start=True)
    await ran.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--users", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=6)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(main(options.address, options.users, options.seconds))), flush=True)
    # A Temporal client's threads can abort the interpreter at its exit.
    os._exit(0)
