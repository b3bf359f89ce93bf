"""Recorded histories replay on today's workflow, and hold ids and nothing else."""

import json
from pathlib import Path

import pytest
from temporalio.client import Client as Temporal
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from neo.turns.temporal.workflow import TurnWorkflow
from support.client import Client
from support.rows import Rows
from support.server import Server

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
HISTORY_BYTES_MAX = 100_000
SECRET = "a word that must not reach the history"


def replayer() -> Replayer:
    return Replayer(workflows=[TurnWorkflow], workflow_runner=UnsandboxedWorkflowRunner())


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_f35_a_recorded_history_replays(path: Path) -> None:
    history = WorkflowHistory.from_json(path.stem, path.read_text())

    await replayer().replay_workflow(history)


def test_there_are_histories_of_each_way_through_the_workflow() -> None:
    ways = {"ended", "more-then-ended", "waiting", "ended-after-a-failure", "ended-before-its-start"}
    assert {path.stem for path in HISTORIES} >= ways


async def test_a_turns_history_is_small_and_holds_no_words_however_long_the_chat(
    client: Client, rows: Rows, server: Server
) -> None:
    # Anthropic's dialect keeps no conversation, so that the whole transcript is sent with each turn.
    agent_id = await rows.agent("scripted-anthropic:tokens=5,tool=look_up,budget=1000000")
    session = await client.open(agent_id=agent_id)
    for _ in range(11):
        accepted = await client.say(session, SECRET + "x" * 95_000)
        ended = await client.ended(session, accepted["chat_turn_id"])
        assert ended["status"] == "COMPLETED"
    transcript = await client.messages(session)
    assert len(json.dumps(transcript)) > 1_000_000

    temporal = await Temporal.connect(server.addresses.temporal_address)
    history = await temporal.get_workflow_handle(accepted["chat_turn_id"]).fetch_history()

    assert len(history.to_json()) < HISTORY_BYTES_MAX
    assert SECRET not in history.to_json()
    await replayer().replay_workflow(history)
