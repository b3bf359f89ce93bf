"""What an operator's Prometheus sees of a running server."""

import asyncio
import os
import signal
from collections.abc import Callable

import httpx2

from support.client import SESSIONS, Client
from support.metrics import Metrics, read_metrics
from support.rows import Rows
from support.server import Server

SEEN_SECONDS = 15
# Words of fixed sets; never an id, a tenant, a name. `model` is for those that the operator has named a price of.
LABELS = {
    "engine", "generation", "implementation", "le", "major", "method", "minor", "model", "outcome", "patchlevel",
    "policy", "provider", "reason", "route", "status", "version", "way",
}  # fmt: skip


async def seen(server: Server, shows: Callable[[Metrics], bool]) -> Metrics:
    """The metrics, once they show what was waited for."""
    async with asyncio.timeout(SEEN_SECONDS):
        while True:
            metrics = await read_metrics(server.metrics_port)
            if shows(metrics):
                return metrics
            await asyncio.sleep(0.05)


async def test_a_message_is_counted_from_its_acceptance_to_its_end(server: Server, client: Client) -> None:
    before = await read_metrics(server.metrics_port)
    session = await client.open()

    accepted = await client.say(session, "hello", client_message_id="once")
    await client.events(session, accepted["since_cursor"])
    repeated = await client.post(session, "hello", client_message_id="once")

    assert repeated.status_code == 409
    after = await seen(
        server,
        lambda now: (
            now.value("sse_closed_total", reason="done") > before.value("sse_closed_total", reason="done")
        ),
    )
    for name in (
        "turn_accept_seconds_count",
        "turn_first_token_seconds_count",
        "duplicate_posts_total",
        "db_pool_wait_seconds_count",
    ):
        assert after.value(name) > before.value(name), name
    for name, labels in (
        ("turn_end_seconds_count", {"outcome": "completed"}),
        ("llm_calls_total", {"provider": "scripted", "status": "ok"}),
        (
            "requests_total",
            {"method": "POST", "route": f"{SESSIONS}/{{session_id}}/messages", "status": "202"},
        ),
    ):
        assert after.value(name, **labels) > before.value(name, **labels), name
    assert after.value("outbox_oldest_age_seconds") < 10
    await seen(
        server, lambda now: now.value("loop_lag_seconds_count") > before.value("loop_lag_seconds_count")
    )


async def test_an_open_tail_and_a_cut_one_are_told_apart(server: Server, client: Client, rows: Rows) -> None:
    before = await read_metrics(server.metrics_port)
    session = await client.open(agent_id=await rows.agent("scripted:tokens=200,delay_ms=20"))
    accepted = await client.say(session, "hello")

    async with client.stream(session, accepted["since_cursor"]) as response:
        assert response.status_code == 200
        during = await read_metrics(server.metrics_port)
    gone = {"reason": "gone"}
    await seen(
        server, lambda now: now.value("sse_closed_total", **gone) > before.value("sse_closed_total", **gone)
    )
    await client.http.post(f"{SESSIONS}/{session}/turns/{accepted['chat_turn_id']}/cancel")
    await client.ended(session, accepted["chat_turn_id"])

    assert during.value("sse_open") >= 1
    after = await seen(
        server, lambda now: now.value("turns_cancelled_total") > before.value("turns_cancelled_total")
    )
    called = {"provider": "scripted", "status": "cancelled"}
    assert after.value("llm_calls_total", **called) > before.value("llm_calls_total", **called)


async def test_whoever_is_turned_away_is_counted_by_reason(
    server: Server, client: Client, rows: Rows
) -> None:
    before = await read_metrics(server.metrics_port)
    platform = Client(server.url, (await rows.platform()).api_key)
    url = f"{SESSIONS}/{await client.open()}"

    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, verify=False) as http:
        await http.get(url)
        await http.get(url, headers={"authorization": "Bearer neo_sk_local_wrong"})
    anothers = await platform.http.get(url)
    foreign = await client.http.post(SESSIONS, json={"agent_id": 1, "client_id": "x"})
    await platform.http.aclose()

    assert (anothers.status_code, foreign.status_code) == (404, 403)
    after = await read_metrics(server.metrics_port)
    for name, reason in (
        ("auth_failures_total", "missing"),
        ("auth_failures_total", "unknown"),
        ("cross_tenant_denied_total", "relayed_session"),
        ("cross_tenant_denied_total", "client_id"),
    ):
        assert after.value(name, reason=reason) > before.value(name, reason=reason), (name, reason)


async def test_an_answer_that_breaks_off_is_counted_and_is_no_take_over(
    server: Server, client: Client, rows: Rows
) -> None:
    before = await read_metrics(server.metrics_port)
    session = await client.open(agent_id=await rows.agent("scripted:tokens=20,eof=5,delay_ms=100"))

    accepted = await client.say(session, "hello")
    turn = await client.ended(session, accepted["chat_turn_id"])

    assert (turn["status"], turn["attempts"]) == ("FAILED", 3)
    after = await read_metrics(server.metrics_port)
    assert after.value("llm_incomplete_total") - before.value("llm_incomplete_total") == 3
    assert after.value("turn_take_over_seconds_count") == before.value("turn_take_over_seconds_count")


async def test_labels_are_words_of_fixed_sets(server: Server, client: Client, rows: Rows) -> None:
    session = await client.open()
    path = f"/nowhere/{session}"
    await client.http.get(path)
    await client.http.request("PROPFIND", path)

    metrics = await read_metrics(server.metrics_port)

    values = {value for _, labels in metrics.samples for _, value in labels}
    assert metrics.labels() <= LABELS
    assert not {session, path, server.tenant_id, "PROPFIND"} & values
    assert metrics.value("requests_total", method="other", route="none", status="404") >= 1


async def test_the_public_port_has_no_metrics(client: Client) -> None:
    answer = await client.http.get("/metrics")

    assert answer.status_code == 404
    assert "neo_" not in answer.text


async def test_a_stopped_engine_is_told_once_when_it_goes_and_once_when_it_is_back(
    server: Server, client: Client
) -> None:
    valkey = server.pids["valkey"]
    lines = server.data / "logs" / "server.log"
    # Just after its start it has looked at none.
    await seen(
        server, lambda now: all(now.value("engine_up", engine=one) == 1 for one in ("postgres", "valkey"))
    )
    begin = lines.stat().st_size

    os.kill(valkey, signal.SIGSTOP)
    try:
        down = await seen(server, lambda now: now.value("engine_up", engine="valkey") == 0)
        for _ in range(5):
            await client.http.get(SESSIONS)
    finally:
        os.kill(valkey, signal.SIGCONT)
    await seen(server, lambda now: now.value("engine_up", engine="valkey") == 1)

    said = lines.read_text()[begin:]
    assert down.value("engine_up", engine="postgres") == 1
    assert [said.count(f'"event": "{event}"') for event in ("engine_down", "engine_back")] == [1, 1]
    assert '"seconds"' in next(line for line in said.splitlines() if "engine_back" in line)
