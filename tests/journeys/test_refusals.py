"""Bad input gets a clear error with a stable code, and nothing is stored."""

import asyncio
import json
from typing import Any

import pytest

from neo.agents import AutonomyType
from support.client import SESSIONS, Client
from support.rows import Rows

pytestmark = pytest.mark.by_address

NOWHERE = "0b1f5ad2-6f0e-4b0a-9c51-d0f6f2f1c9a7"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "agent_selector_invalid"),
        ({"agent_id": 1, "managed_agent_key": "NEO_SUPPORT"}, 422, "agent_selector_invalid"),
        ({"agent_id": None, "managed_agent_key": None}, 422, "agent_selector_invalid"),
        ({"managed_agent_key": "NOBODY"}, 422, "validation_error"),
        ({"agent_id": "12"}, 422, "validation_error"),
        ({"agent_id": True}, 422, "validation_error"),
        ({"agent_id": 1.5}, 422, "validation_error"),
        ({"agent_id": 2**63}, 404, "agent_not_found"),
        ({"agent_id": -1}, 404, "agent_not_found"),
        ({"agent_id": 0}, 404, "agent_not_found"),
        ({"agent_id": 999_999_999}, 404, "agent_not_found"),
        ({"managed_agent_key": "NEO_SUPPORT", "client_id": NOWHERE}, 403, "client_id_not_allowed"),
        ({"managed_agent_key": "NEO_SUPPORT", "title": "x" * 501}, 422, "title_too_long"),
        ({"managed_agent_key": "NEO_SUPPORT", "title": "a\0b"}, 422, "validation_error"),
    ],
)
async def test_e1_e3_d5_a_session_that_cannot_be_opened(
    client: Client, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await client.http.post(SESSIONS, json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["meta"]["request_id"] == answer.headers["x-request-id"]


async def test_an_agent_that_does_not_converse_is_refused(client: Client, rows: Rows) -> None:
    agent_id = await rows.agent(autonomy_type=AutonomyType.AGENTIC)

    answer = await client.http.post(SESSIONS, json={"agent_id": agent_id})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "agent_not_conversational")


async def test_d3_d4_what_is_for_platform_callers_is_ignored_from_others(client: Client) -> None:
    body = {"managed_agent_key": "NEO_SUPPORT", "bot_id": "b", "inbound_tenant_id": "t", "client_id": None}

    answer = await client.http.post(SESSIONS, json={**body, "unheard_of": 1})

    assert answer.status_code == 200
    assert answer.json()["meta"]["warnings"] == ["Unknown field ignored: unheard_of"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"message": ""}, "message_empty"),
        ({}, "message_empty"),
        ({"message": "   \n"}, "message_empty"),
        ({"message": "x" * 100_001}, "message_too_long"),
        ({"message": 5}, "validation_error"),
        ({"message": None}, "validation_error"),
        ({"message": "x\0"}, "validation_error"),
        ({"message": "x", "model_tier": "fast"}, "validation_error"),
        ({"message": "x", "client_message_id": ""}, "client_message_id_invalid"),
        ({"message": "x", "client_message_id": "a b"}, "client_message_id_invalid"),
        ({"message": "x", "client_message_id": "x" * 129}, "client_message_id_invalid"),
        ({"message": "x", "attachments": [{"blob_path": "a"}]}, "validation_error"),
        ({"message": "x", "attachments": [{"blob_path": "a", "mime": "image/png"}]}, "attachment_not_found"),
        ({"attachments": [{"blob_path": "a", "mime": "image/png"}]}, "attachment_not_found"),
        ([], "validation_error"),
    ],
)
async def test_e14_e15_a_message_that_is_not_valid_is_422_and_not_stored(
    client: Client, body: Any, code: str
) -> None:
    session = await client.open()

    answer = await client.http.post(f"{SESSIONS}/{session}/messages", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert answer.json()["error"]["details"]["fields"] if code != "validation_error" else True
    assert (await client.messages(session))["messages"] == []


async def test_e14_the_longest_message_is_taken(client: Client) -> None:
    session = await client.open()

    accepted = await client.say(session, "é" * 100_000)

    assert (await client.messages(session))["messages"][0]["parts"][0]["text"] == "é" * 100_000
    await client.ended(session, accepted["chat_turn_id"])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"message": NaN}',
        b'{"message": 1e400}',
        b'{"message": Infinity}',
        b'{"message": "\\ud800"}',
        b'{"message": "a", "message": "b"}',
        b'\xff\xfe{"message": "x"}',
        b'\xef\xbb\xbf{"message": "x"}',
        '{"message": "x"}'.encode("utf-16"),
        b'{"message": "\xff"}',
        b"[" * 4_000,
    ],
)
async def test_e1_e2_e4_e6_e7_what_parsers_read_differently_is_400(client: Client, raw: bytes) -> None:
    session = await client.open()

    answer = await client.http.post(
        f"{SESSIONS}/{session}/messages", content=raw, headers={"content-type": "application/json"}
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_json")


async def test_e4_e5_a_body_over_a_megabyte_is_413_however_it_comes(client: Client) -> None:
    session = await client.open()
    headers = {"content-type": "application/json"}

    async def pieces() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    whole = await client.http.post(
        f"{SESSIONS}/{session}/messages", content=b" " * 1_100_000, headers=headers
    )
    chunked = await client.http.post(f"{SESSIONS}/{session}/messages", content=pieces(), headers=headers)

    assert whole.status_code == chunked.status_code == 413
    assert whole.json()["error"]["code"] == "body_too_large"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_e5_e7_other_media_are_415(client: Client, headers: dict[str, str]) -> None:
    session = await client.open()

    answer = await client.http.post(
        f"{SESSIONS}/{session}/messages", content=b'{"message": "x"}', headers=headers
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "cursor",
    [
        "garbage",
        "$",
        "-",
        "+",
        "(1-0",
        "1",
        "1-",
        "-1-0",
        "18446744073709551616-0",
        "1-0 ",
        "1-0-0",
        "x" * 1000,
        "٣-٣",
    ],
)
async def test_h2_a_malformed_cursor_is_400(client: Client, cursor: str) -> None:
    session = await client.open()

    in_query = await client.http.get(f"{SESSIONS}/{session}/events", params={"since": cursor})

    assert (in_query.status_code, in_query.json()["error"]["code"]) == (400, "invalid_cursor")
    if cursor.isascii() and cursor.strip() == cursor:
        in_header = await client.http.get(f"{SESSIONS}/{session}/events", headers={"last-event-id": cursor})
        assert (in_header.status_code, in_header.json()["error"]["code"]) == (400, "invalid_cursor")


async def test_e12_h3_two_cursors_are_400_and_the_header_wins_over_the_address(client: Client) -> None:
    session = await client.open()
    accepted = await client.say(session, "Hello")
    events = await client.events(session, accepted["since_cursor"])

    twice = await client.http.get(f"{SESSIONS}/{session}/events?since=1-0&since=2-0")
    both = await client.http.get(
        f"{SESSIONS}/{session}/events", params={"since": "garbage"}, headers={"last-event-id": events[-1].id}
    )

    assert (twice.status_code, twice.json()["error"]["code"]) == (400, "repeated_parameter")
    assert both.status_code == 204


@pytest.mark.parametrize("path", ["", "/messages", "/events", "/turns/" + NOWHERE])
@pytest.mark.parametrize("session", [NOWHERE, "1", "..", "%2e%2e", NOWHERE.replace("-", "")])
async def test_a11_e9_a_session_that_is_not_there_is_404(client: Client, session: str, path: str) -> None:
    answer = await client.http.get(f"{SESSIONS}/{session}{path}")

    assert answer.status_code in (404, 405)
    assert answer.json()["error"]["code"] in ("session_not_found", "route_not_found", "method_not_allowed")


async def test_who_may_not_see_a_session_is_not_told_what_is_wrong_with_the_body(
    client: Client, rows: Rows
) -> None:
    session = await client.open()
    tenant = await rows.tenant()
    other = Client(str(client.http.base_url), tenant.api_key)

    answers = [await other.post(where, "") for where in (session, NOWHERE)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["error"] == answers[1].json()["error"]
    await other.http.aclose()


@pytest.mark.parametrize(
    "params",
    [{"page_size": 0}, {"page_size": 201}, {"page_size": "x"}, {"cursor": "nonsense"}, {"cursor": "WzFd"}],
)
async def test_a_page_that_cannot_be_is_refused(client: Client, params: dict[str, Any]) -> None:
    answer = await client.http.get(SESSIONS, params=params)

    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["code"] in ("invalid_cursor", "validation_error")


async def test_a5_one_tenants_page_cursor_is_refused_to_another(client: Client, rows: Rows) -> None:
    tenant = await rows.tenant()
    other = Client(str(client.http.base_url), tenant.api_key)
    for _ in range(2):
        await other.open()
    cursor = (await other.http.get(SESSIONS, params={"page_size": 1})).json()["meta"]["pagination"][
        "next_cursor"
    ]

    answer = await client.http.get(SESSIONS, params={"cursor": cursor})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_cursor")
    await other.http.aclose()


async def test_e9_e10_methods_and_paths_that_are_not_there(client: Client) -> None:
    wrong = await client.http.put(SESSIONS, json={})
    nowhere = await client.http.get("/public-api/nowhere")

    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "POST" in wrong.headers["allow"]
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "route_not_found")


async def test_e8_headers_over_16_kib_are_refused(client: Client) -> None:
    answer = await client.http.get(SESSIONS, headers={"x-much": "x" * 17_000})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "headers_too_large")


async def test_e13_a_body_that_trickles_is_not_waited_for_by_others(client: Client, server: Any) -> None:
    session = await client.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        f"POST {SESSIONS}/{session}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.api_key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
    )
    await writer.drain()

    assert (await client.http.get("/public-api/health")).status_code == 200
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)
    body = json.loads(await reader.readuntil(b"}}"))
    assert b" 400 " in head.splitlines()[0]
    assert body["error"]["code"] == "body_timed_out"
    writer.close()
