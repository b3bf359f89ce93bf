"""`neo chat` against a real server."""

import asyncio
import os
import re
import signal
import sys

import httpx2
import pytest

from cli.neo_command import ended, neo, started
from support.client import Client
from support.ports import free_port
from support.rows import Rows
from support.server import Server

ANSWER = "w1 w2 w3 w4 w5 \n"
GATE_SECONDS = 20
SHOWN_SECONDS = 20


def session_in(stderr: str) -> str:
    found = re.search(r"--session ([0-9a-f-]{36})", stderr)
    assert found is not None, stderr
    return found[1]


async def until_waiting(scripted: httpx2.AsyncClient, gate: str) -> None:
    async with asyncio.timeout(GATE_SECONDS):
        while True:
            answer = await scripted.get("/control/waiting", params={"gate": gate})
            if answer.json()["waiting"]:
                return
            await asyncio.sleep(0.02)


async def paused_session(client: Client, rows: Rows, gate: str) -> str:
    return await client.open(agent_id=await rows.agent(f"scripted:tokens=5,pause_after=2,gate={gate}"))


async def test_a_message_is_answered_in_plain_text(server: Server) -> None:
    chat = await neo("chat", "--data", str(server.data), "hello", "there")

    assert (chat.code, chat.out) == (0, ANSWER)


async def test_a_message_may_come_by_standard_input(server: Server, client: Client) -> None:
    chat = await neo("chat", "--data", str(server.data), typed="what is\nthis?\n")

    assert (chat.code, chat.out) == (0, ANSWER)
    [asked, _] = (await client.messages(session_in(chat.stderr)))["messages"]
    assert asked["parts"][0]["text"] == "what is\nthis?"


async def test_a_session_goes_on(server: Server, client: Client) -> None:
    first = await neo("chat", "--data", str(server.data), "one")
    session_id = session_in(first.stderr)

    second = await neo("chat", "--data", str(server.data), "--session", session_id, "--smart", "two")

    assert (second.code, second.out) == (0, ANSWER)
    assert len((await client.messages(session_id))["messages"]) == 4


async def test_an_open_turn_is_followed_from_its_start(
    server: Server, client: Client, rows: Rows, scripted: httpx2.AsyncClient
) -> None:
    session_id = await paused_session(client, rows, "cli-resumed")
    await client.say(session_id, "hello")
    await until_waiting(scripted, "cli-resumed")

    asked_before = asked_for_session(server)
    chat = await started("chat", "--data", str(server.data), "--session", session_id)
    following = asyncio.create_task(ended(chat))
    async with asyncio.timeout(SHOWN_SECONDS):
        while asked_for_session(server) == asked_before:
            await asyncio.sleep(0.02)
    await scripted.post("/control/release", params={"gate": "cli-resumed"})

    left = await following
    assert (left.code, left.out) == (0, ANSWER)


def asked_for_session(server: Server) -> int:
    """How often somebody has looked whether a session has an open turn."""
    log = (server.data / "logs" / "server.log").read_text()
    return log.count('"/public-api/chat/sessions/{session_id}"')


async def test_an_interrupt_leaves_the_turn_running(
    server: Server, client: Client, rows: Rows, scripted: httpx2.AsyncClient
) -> None:
    session_id = await paused_session(client, rows, "cli-interrupted")
    chat = await started("chat", "--data", str(server.data), "--session", session_id, "hello")
    await until_waiting(scripted, "cli-interrupted")

    chat.send_signal(signal.SIGINT)
    left = await ended(chat)
    await scripted.post("/control/release", params={"gate": "cli-interrupted"})

    assert (left.code, left.out) == (130, "")
    assert session_in(left.stderr) == session_id
    [asked, *_] = (await client.messages(session_id))["messages"]
    turn = await client.ended(session_id, asked["metadata"]["chat_turn_id"])
    assert turn["status"] == "COMPLETED"


async def test_a_turn_that_waits_is_said_and_goes_on(server: Server, client: Client, rows: Rows) -> None:
    session_id = await client.open(agent_id=await rows.agent("scripted:tokens=3,tool=gated"))
    accepted = await client.say(session_id, "hello")
    *_, waits = await client.events(session_id, accepted["since_cursor"])
    [call_id] = waits.chunk["data"]["calls"]

    asked_before = asked_for_session(server)
    chat = await started("chat", "--data", str(server.data), "--session", session_id)
    following = asyncio.create_task(ended(chat))
    async with asyncio.timeout(SHOWN_SECONDS):
        while asked_for_session(server) == asked_before:
            await asyncio.sleep(0.02)
    await client.http.post(f"/public-api/scripted-model/calls/{call_id}", json={"decision": "REJECTED"})

    left = await following
    assert left.code == 0
    assert left.out.startswith("w1 w2 w3 \ngot ")
    assert "gated: rejected" in left.stderr


async def test_a_failed_turn_is_one_line_with_its_code(server: Server, client: Client, rows: Rows) -> None:
    session_id = await client.open(agent_id=await rows.agent("scripted:status=400"))

    chat = await neo("chat", "--data", str(server.data), "--session", session_id, "hello")

    assert (chat.code, chat.out) == (1, "")
    assert re.match(r"neo: provider_\w+: .+ \(request [0-9a-f-]{36}\)\n", chat.stderr)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--key", "neo_sk_local_wrong", "hello"), r"unauthenticated: .+ --key: .+ \(request .+\)"),
        (
            ("--session", "9f0e9b56-0000-4000-8000-000000000000", "hello"),
            r"session_not_found: .+ \(request .+\)",
        ),
        (
            ("--url", f"http://127.0.0.1:{free_port()}", "hello"),
            r"No server answers at .+: start it with `make run`",
        ),
        (("--url", "http://neo.example", "hello"), r"The key of .+ is for its own server\. Pass --key"),
        ((), r"There is nothing to say"),
    ],
    ids=["unauthenticated", "session_not_found", "server_not_reached", "no_api_key", "nothing_to_say"],
)
async def test_what_cannot_work_is_one_line(server: Server, words: tuple[str, ...], said: str) -> None:
    chat = await neo("chat", "--data", str(server.data), *words)

    assert (chat.code, chat.out) == (1, "")
    assert re.match(f"neo: {said}", chat.stderr), chat.stderr


async def test_a_missing_key_names_the_next_step(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chat = await neo("chat", "--data", str(tmp_path_factory.mktemp("none")), "hello")

    assert chat.code == 1
    assert "neo keys create" in chat.stderr


async def test_a_terminal_has_a_prompt_and_ctrl_d_leaves(server: Server) -> None:
    ours, theirs = os.openpty()
    words = (sys.executable, "-m", "neo", "chat", "--data", str(server.data))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm"}
    chat = await asyncio.create_subprocess_exec(
        *words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    try:
        await shown(ours, "> ")
        os.write(ours, b"hello\n")
        await shown(ours, "w5")
        await shown(ours, "> ")
        os.write(ours, b"\x04")
        await shown(ours, "--session")
        assert await asyncio.wait_for(chat.wait(), SHOWN_SECONDS) == 0
    finally:
        os.close(ours)


async def shown(terminal: int, what: str) -> None:
    """Read until the terminal shows it."""
    seen = ""
    async with asyncio.timeout(SHOWN_SECONDS):
        while what not in seen:
            # Small reads, so that nothing is taken that a later look is for.
            seen += (await asyncio.to_thread(os.read, terminal, 1)).decode("latin-1")
