"""A canary in every secret and header of a server, and a provider that quotes what it was sent: none comes out."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import httpx2
from temporalio.client import Client as TemporalClient

from journeys.test_halves import environment, neo
from support.client import SESSIONS, Client
from support.collector import collector_running
from support.ports import free_port
from support.rows import Rows
from support.server import Server

KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "COMPATIBLE_API_KEY",
    "BLOB_S3_KEY",
    "BLOB_AZURE_KEY",
    "BLOB_GCS_KEY",
)
# How an end user's or a stranger's credentials come.
HEADERS = [
    {"authorization": "Bearer neo_sk_local_canary-header"},
    {"authorization": "Bearer canary-header.canary-header.canary-header"},
    {"authorization": "Basic canary-header"},
    {"authorization": "Bearer canary-header", "cookie": "canary-header=1", "x-api-key": "canary-header"},
]


@contextmanager
def quoting_provider() -> Iterator[str]:
    """Refuses each call, and quotes its headers in each field of the refusal, in the stream of every other one."""
    calls = iter(range(1_000))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            said = f"Incorrect API key: {self.headers['authorization']} {self.headers['x-api-key']}"
            error = {"message": said, "type": said, "code": said, "param": said}
            is_stream = next(calls) % 2 == 1
            body = json.dumps({"error": error})
            self.send_response(200 if is_stream else 401)
            self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
            self.end_headers()
            self.wfile.write((f"data: {body}\n\n" if is_stream else body).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


async def test_no_canary_comes_out_of_a_server(server: Server, rows: Rows, tmp_path: Path) -> None:
    port, metrics_port, log = free_port(), free_port(), tmp_path / "api.log"
    secret = (server.data / "secret").read_text().strip()
    tenant = await rows.tenant()
    with collector_running() as collector, quoting_provider() as provider:
        apart = {
            **environment(server.addresses),
            **{f"NEO_{name}": f"canary-{name.lower()}" for name in KEYS},
            "NEO_SECRET_KEY": f"{secret},canary-secret-key-of-at-least-32-characters",
            "NEO_DATABASE_URL": server.addresses.database_url.replace("neo_app@", "neo_app:canary-password@"),
            "NEO_OPENAI_BASE_URL": provider,
            "NEO_ANTHROPIC_BASE_URL": provider.removesuffix("/v1"),
            "NEO_COMPATIBLE_BASE_URL": provider,
            "NEO_LOG_LEVEL": "debug",
            "NEO_METRICS_PORT": str(metrics_port),
            "NEO_OTLP_ENDPOINT": collector.url,
            # Nothing on this machine is reached through it.
            **dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:9"),
            "NEO_TEMPORAL_AFTER_SECONDS": "0",
        }
        assert "canary" in apart["NEO_DATABASE_URL"]
        async with neo(log, apart, "api", "--with-worker", "--port", str(port)):
            caller = Client(f"http://127.0.0.1:{port}", tenant.api_key)
            await ready(caller)
            out = [
                await said_to(caller, rows, tenant.id, model)
                for model in ("openai:a", "anthropic:a", "compatible:a")
            ]
            for headers in HEADERS:
                answer = await caller.http.get(f"{SESSIONS}?canary-query=1", headers=headers)
                assert answer.status_code == 401
                out.append(answer.text)
            out.append((await caller.http.get("/public-api/audit-log")).text)
            out.append(httpx2.get(f"http://127.0.0.1:{metrics_port}/metrics", trust_env=False).text)
            # They are sent each few seconds.
            await collector.seen(bool)
            await caller.http.aclose()
        out.append(collector.received.decode(errors="replace"))
    out += [await told_to_temporal(server), log.read_text()]

    assert all(out)
    found = [
        text[max(0, text.find("canary") - 200) : text.find("canary") + 60] for text in out if "canary" in text
    ]
    assert found == []
    assert not any(secret in text for text in out)


async def ready(caller: Client) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await caller.http.get("/public-api/ready")).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.1)


async def said_to(caller: Client, rows: Rows, tenant: UUID, model: str) -> str:
    """The stream, the record and the transcript of turns that the provider refuses with a quotation, in both ways."""
    session = await caller.open(agent_id=await rows.agent(model, tenant_id=tenant))
    out = ""
    for _ in range(2):
        accepted = await caller.say(session, "Hello")
        turn = await caller.ended(session, accepted["chat_turn_id"])
        assert turn["status"] == "FAILED"
        events = await caller.events(session, since=accepted["since_cursor"])
        out += f"{turn} {events}"
    return out + str(await caller.messages(session))


async def told_to_temporal(server: Server) -> str:
    temporal = await TemporalClient.connect(server.addresses.temporal_address)
    ids = [one.id async for one in temporal.list_workflows()]
    return "".join([(await temporal.get_workflow_handle(one).fetch_history()).to_json() for one in ids[:50]])
