"""Guards against a turn becoming several times as dear, on any machine.

Only ratios are compared, of things measured in the same minute: seconds differ between machines, and between two
minutes of one machine. The bounds are three to four times what was measured when they were written, so that noise
does not break them; `make bench` has the figures themselves.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from statistics import median
from uuid import uuid4

import psutil
from temporalio import activity, workflow
from temporalio.client import Client as TemporalClient
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from support.client import Client
from support.server import Server

ROUNDS = 5
ACCEPTS = 4
REQUESTS = 20
TURNS = 15
# Measured 6; an accept has a look-up, a transaction of four statements and a workflow's start beside it.
ACCEPT_TO_HEALTH_MAX = 24
# Measured 2: the turn's own work, five tokens long, beside what a bare workflow costs.
TURN_TO_WORKFLOW_MAX = 8
PARTS = ("server", "temporal", "postgres", "valkey")
TIMEOUT = timedelta(seconds=30)


@activity.defn
async def bare_step(turn: str) -> None: ...


@workflow.defn(sandboxed=False)
class BareTurn:
    @workflow.run
    async def run(self, turn: str) -> None:
        await workflow.execute_activity(bare_step, turn, start_to_close_timeout=TIMEOUT)


async def test_an_accept_costs_a_bounded_number_of_health_checks(client: Client) -> None:
    session_id = await client.open()

    async def health() -> None:
        await client.http.get("/public-api/health")

    async def accept() -> float:
        began = time.perf_counter()
        turn = await client.say(session_id, "Hello")
        took = time.perf_counter() - began
        # Its turn runs on the same processor, and is not what is measured.
        await client.ended(session_id, turn["chat_turn_id"])
        return took

    await accept()
    ratios: list[float] = []
    for _ in range(ROUNDS):
        accepts = [await accept() for _ in range(ACCEPTS)]
        ratios.append(median(accepts) / await _median_seconds(health))

    assert median(ratios) < ACCEPT_TO_HEALTH_MAX, ratios


async def test_a_turn_costs_a_bounded_number_of_bare_workflows(client: Client, server: Server) -> None:
    session_id = await client.open()

    async def turn() -> None:
        told = await client.say(session_id, "Hello")
        await client.events(session_id, told["since_cursor"])

    temporal = await TemporalClient.connect(server.addresses.temporal_address)
    queue = f"ratios-{uuid4().hex}"
    async with Worker(
        temporal,
        task_queue=queue,
        workflows=[BareTurn],
        activities=[bare_step],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):

        async def bare() -> None:
            await temporal.execute_workflow(BareTurn.run, "turn", id=uuid4().hex, task_queue=queue)

        await turn()
        await bare()
        # What the client of the API spends is no part of a turn; of a workflow it is, as of Neo's own worker.
        workflow_seconds = await _cpu_seconds(bare, [server.pids["temporal"], os.getpid()])
        turn_seconds = await _cpu_seconds(turn, [server.pids[part] for part in PARTS])

    assert turn_seconds / workflow_seconds < TURN_TO_WORKFLOW_MAX, (turn_seconds, workflow_seconds)


async def _median_seconds(work: Callable[[], Awaitable[None]]) -> float:
    took: list[float] = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        await work()
        took.append(time.perf_counter() - began)
    return median(took)


async def _cpu_seconds(work: Callable[[], Awaitable[None]], pids: list[int]) -> float:
    before = _spent(pids)
    for _ in range(TURNS):
        await work()
    # A workflow is closed a moment after its step has ended.
    await asyncio.sleep(0.3)
    return _spent(pids) - before


def _spent(pids: list[int]) -> float:
    """Processor seconds so far of processes and of PostgreSQL's backends; this one's children are the server."""
    found = [psutil.Process(pid) for pid in pids]
    backends = [child for process in found if process.pid != os.getpid() for child in process.children()]
    return sum(sum(process.cpu_times()[:2]) for process in (*found, *backends))
