"""What comes over the wire by other means than an HTTP library's."""

import asyncio
import json
import re
import time
import unicodedata
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import pytest

from neo.api.errors import PROBES
from support.client import SESSIONS, Client
from support.document import DOCUMENT
from support.server import Server

JSON = {"content-type": "application/json"}
# The head of a request, and a body, may take ten.
CUT_SECONDS = 10
# Less than that: who is refused is not cut instead.
PATIENCE_SECONDS = 8
LATE_SECONDS = 10
IDLE_CONNECTIONS = 500
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.fixture
async def session(client: Client) -> str:
    return await client.open()


async def sent_raw(server: Server, request: bytes, seconds: float = PATIENCE_SECONDS) -> bytes:
    """What the server says to these bytes, until it closes or says no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    received = b""
    try:
        async with asyncio.timeout(seconds):
            await writer.drain()
            while b"\r\n\r\n" not in received or not is_whole(received):
                more = await reader.read(65536)
                if not more:
                    break
                received += more
    finally:
        writer.close()
    return received


def is_whole(received: bytes) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return not lengths or len(body) >= int(lengths[0].split(b":")[1])


def status_of(received: bytes) -> int:
    return int(received.split(b" ")[1])


def error_of(received: bytes) -> dict[str, Any]:
    return dict(json.loads(received.partition(b"\r\n\r\n")[2]))


def get(server: Server, *lines: str) -> str:
    return "\r\n".join(
        [f"GET {SESSIONS} HTTP/1.1", "Host: x", f"Authorization: Bearer {server.api_key}", *lines, "", ""]
    )


def post(server: Server, *lines: str, body: str = "{}") -> str:
    return get(server, "Content-Type: application/json", *lines).replace("GET", "POST", 1) + body


MALFORMED: dict[str, Callable[[Server], str]] = {
    "E8-obs-fold": lambda server: get(server, "X-A: a", " b"),
    "E8-space-before-the-colon": lambda server: get(server, "X-A : b"),
    "E8-nul-in-a-header": lambda server: get(server, "X-A: a\0b"),
    "E8-length-and-chunks": lambda server: post(
        server, "Content-Length: 2", "Transfer-Encoding: chunked", body="2\r\n{}\r\n0\r\n\r\n"
    ),
    "E8-two-lengths": lambda server: post(server, "Content-Length: 2", "Content-Length: 3"),
    "E8-negative-length": lambda server: post(server, "Content-Length: -2"),
    "E8-length-with-a-sign": lambda server: post(server, "Content-Length: +2"),
    "E8-unknown-transfer-encoding": lambda server: post(server, "Transfer-Encoding: xchunked"),
    "E8-lines-without-carriage-return": lambda server: get(server).replace("\r\n", "\n"),
    "E9-nul-in-the-path": lambda server: get(server).replace(SESSIONS, "/public-api/a\0b"),
    "E10-connect": lambda server: get(server).replace(f"GET {SESSIONS}", "CONNECT x:1"),
    "E10-http-2": lambda _: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
OVERSIZED: dict[str, Callable[[Server], str]] = {
    "E8-one-header-of-100-kb": lambda server: get(server, "X-A: " + "a" * 100_000),
    "E8-500-headers": lambda server: get(server, *(f"X-{number}: {'a' * 40}" for number in range(500))),
    "E8-a-header-without-end": lambda server: get(server, "X-A: " + "a" * 1_000_000)[:-4],
    "E8-a-path-of-100-kb": lambda server: get(server).replace(SESSIONS, SESSIONS + "a" * 100_000),
}

BEGUN = {
    "nothing": b"",
    "half a head": b"GET /public-api/health HTTP/1.1\r\nX-A: ",
    "nothing after an answer": b"GET /public-api/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "half a second head": b"GET /public-api/health HTTP/1.1\r\nHost: x\r\n\r\nG",
}


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in MALFORMED.items()])
async def test_what_servers_read_differently_is_400_in_our_envelope(
    server: Server, make: Callable[[Server], str]
) -> None:
    received = await sent_raw(server, make(server).encode())

    assert status_of(received) == 400
    told = error_of(received)
    assert told["error"]["code"] == "malformed_request"
    assert f"x-request-id: {UUID(told['meta']['request_id'])}".encode() in received


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in OVERSIZED.items()])
async def test_a_head_that_is_too_large_is_refused_or_cut(
    server: Server, make: Callable[[Server], str]
) -> None:
    try:
        received = await sent_raw(server, make(server).encode())
    except ConnectionError:
        # Told and closed while we were still sending.
        return

    assert received == b"" or status_of(received) in (400, 404)


@pytest.mark.parametrize(
    "path",
    [
        "..", "../..", ".%2e", "%2e%2e/%2e%2e", "%252e%252e", "a%2Fb", "%00", "%ff", "%c0%ae", "//", "/", "x%0d%0ay",
        "\\..\\", ";a=b", "%", "%zz", "?", "#", "*",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "base",
    [
        SESSIONS,
        "/public-api/agents",
        "/public-api/end-companies",
        "/public-api/blobs",
        "/docs/assets",
        "/docs",
    ],
)
async def test_e9_a_path_is_taken_as_it_is_written(server: Server, base: str, path: str) -> None:
    received = await sent_raw(server, get(server).replace(SESSIONS, f"{base}/{path}", 1).encode())

    assert status_of(received) in ({400, 403, 404} if "blobs" in base else {400, 404}), received[:300]
    assert b"location:" not in received.lower()
    assert b"root:" not in received


@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"]))
async def test_e10_other_methods_are_405_and_told_which_are_taken(client: Client, path: str) -> None:
    named = path.format_map(Named())
    paths = {one: {method.upper() for method in methods} for one, methods in DOCUMENT["paths"].items()}
    # `/channels/resolve` could be a channel's id as well.
    fitting = [one for one in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), named)]
    taken = set().union(*(paths[one] for one in fitting))

    # Probes may ask by HEAD, which is no operation of the document.
    taken |= {"HEAD"} if path in PROBES else set()

    for method in sorted(set(METHODS) - taken):
        answer = await client.http.request(method, named)
        assert answer.status_code == 405, (method, path)
        assert set(answer.headers["allow"].split(", ")) in [
            taken if one in PROBES else paths[one] for one in fitting
        ]
        assert answer.text == "" or answer.json()["error"]["code"] == "method_not_allowed"


async def test_e11_nothing_that_is_sent_becomes_a_header(
    client: Client, server: Server, session: str
) -> None:
    answers = [
        await client.http.get(f"{SESSIONS}/x%0d%0aX-Evil:%201"),
        await client.http.get(SESSIONS, headers={"x-request-id": "x" * 36}),
        await client.http.get(f"{SESSIONS}/{session}/events", headers={"last-event-id": "1-0\tX-Evil: 1"}),
    ]
    raw = await sent_raw(server, get(server, "X-Request-Id: é<script>", "Last-Event-ID: é").encode())

    for answer in answers:
        assert "x-evil" not in answer.headers
        assert str(UUID(answer.headers["x-request-id"])) == answer.headers["x-request-id"]
    assert b"script" not in raw.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("unfit", ["\r\n", "\t", "\x1b[31m", "\x07", "\x85", "\u2028", "\u202e", "\u2066"])
async def test_a_title_and_a_name_are_one_line_that_reads_as_it_is_written(
    client: Client, unfit: str
) -> None:
    opening = {"managed_agent_key": "NEO_SUPPORT", "title": f"a{unfit}b"}
    title = await client.http.post(SESSIONS, json=opening)
    name = await client.http.post("/public-api/end-companies", json={"psa_company_name": f"a{unfit}b"})

    for answer, field in ((title, "title"), (name, "psa_company_name")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation_error")
        assert field in answer.json()["error"]["details"]["fields"]


async def test_a_title_in_any_script_is_kept(client: Client) -> None:
    title = "נאו \u200f(1) می‌خواهم 👩\u200d🔧"

    answer = await client.http.post(SESSIONS, json={"managed_agent_key": "NEO_SUPPORT", "title": title})

    assert answer.json()["data"]["title"] == title


@pytest.mark.parametrize(
    "query", ["page_size=1&page_size=2", "cursor=&cursor=", "page_size=1&page%5Fsize=1", "x=1&x=1"]
)
async def test_e12_a_parameter_that_is_sent_twice_is_400(client: Client, query: str) -> None:
    answer = await client.http.get(f"{SESSIONS}?{query}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "repeated_parameter")


async def test_e12_a_header_that_is_sent_twice_is_refused(client: Client, session: str) -> None:
    twice = [("last-event-id", "65536-0"), ("last-event-id", "65537-0")]

    answer = await client.http.get(f"{SESSIONS}/{session}/events", headers=twice)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "repeated_parameter")


async def test_e13_who_does_not_go_on_is_cut_and_others_are_served(client: Client, server: Server) -> None:
    cut = [asyncio.create_task(until_cut(server, begun)) for begun in BEGUN.values()]

    async with asyncio.timeout(CUT_SECONDS + LATE_SECONDS):
        while not all(task.done() for task in cut):
            assert (await client.http.get("/public-api/health")).status_code == 200
            await asyncio.sleep(0.5)

    await asyncio.gather(*cut)


async def until_cut(server: Server, begun: bytes) -> None:
    """One who begins, and then sends at most a byte from time to time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(begun)

    async def drip() -> None:
        while b"X-A" in begun:
            await asyncio.sleep(0.5)
            writer.write(b"a")

    dripping = asyncio.create_task(drip())
    try:
        while await reader.read(65536):
            pass
    finally:
        dripping.cancel()
        writer.close()


async def test_e13_idle_connections_keep_nobody_out(client: Client, server: Server) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(IDLE_CONNECTIONS):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            stack.callback(writer.close)

        began = time.monotonic()
        answer = await client.http.get(SESSIONS)

    assert answer.status_code == 200
    assert time.monotonic() - began < CUT_SECONDS / 2


@pytest.mark.parametrize(
    ("message", "status"),
    [
        pytest.param("x", 202, id="E14-one"),
        pytest.param("🎉" * 50_000, 202, id="E14-200-kb-of-emoji"),
        pytest.param("🎉" * 100_000, 202, id="E14-the-limit-in-400-kb"),
        pytest.param("🎉" * 100_001, 422, id="E14-one-more"),
        pytest.param("a" + "\u0301" * 10_000, 202, id="E14-combining-marks"),
        pytest.param("\u202eevil\u202c \u200f\u2066x\u2069", 202, id="E14-right-to-left"),
        pytest.param(unicodedata.normalize("NFD", "é") + "é", 202, id="E14-two-forms-of-one-letter"),
        pytest.param("\x01\x1b[31m\x7f\x85\ufeff\ufffe\U0010ffff", 202, id="E1-control-characters"),
    ],
)
async def test_a_message_is_kept_as_it_was_sent(
    client: Client, session: str, message: str, status: int
) -> None:
    answer = await client.post(session, message)

    assert answer.status_code == status
    if status == 202:
        assert (await client.messages(session))["messages"][0]["parts"] == [{"type": "text", "text": message}]
        await client.ended(session, answer.json()["data"]["chat_turn_id"])


@pytest.mark.parametrize("wrong", ["", "x" * 129, "é", "e\u0301", "a b", "a\n", "a\tb", "\u200b", "ａ"])
async def test_e15_a_client_message_id_is_printable_ascii(client: Client, session: str, wrong: str) -> None:
    answer = await client.post(session, "Hello", client_message_id=wrong)

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "client_message_id_invalid")


async def test_e15_client_message_ids_are_told_apart_by_every_byte(client: Client, session: str) -> None:
    accepted = [
        await client.say(session, "Hello", client_message_id=one) for one in ("abc", "ABC", "x" * 128)
    ]
    again = await client.post(session, "Hello", client_message_id="abc")

    assert len({one["chat_turn_id"] for one in accepted}) == 3
    assert again.json()["error"]["details"]["chat_turn_id"] == accepted[0]["chat_turn_id"]
    await client.ended(session, accepted[-1]["chat_turn_id"])


@pytest.mark.parametrize(
    ("digits", "status"),
    [pytest.param(4_000, 400, id="E3-4000-digits"), pytest.param(20, 404, id="E3-20-digits")],
)
async def test_a_number_of_many_digits_is_refused(client: Client, digits: int, status: int) -> None:
    answer = await client.http.post(SESSIONS, content=b'{"agent_id": 1' + b"0" * digits + b"}", headers=JSON)

    assert answer.status_code == status


async def test_e4_an_answer_does_not_grow_with_what_nobody_asked_for(client: Client) -> None:
    body = {"managed_agent_key": "NEO_SUPPORT", **{f"field{number}": 1 for number in range(4_000)}}

    answer = await client.http.post(SESSIONS, json=body)

    warnings = answer.json()["meta"]["warnings"]
    assert answer.status_code == 200
    assert len(warnings) == 21
    assert warnings[-1] == "Unknown fields ignored: 3980 more."


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b'{"message": "\\udc00"}', "malformed_json", id="E1-half-a-pair"),
        pytest.param(b'{"message": "a\\u0000b"}', "validation_error", id="E1-nul"),
        pytest.param(b'{"message": "x", "message": "y"}', "malformed_json", id="E6-twice"),
        pytest.param(
            b'{"message": "x", "\\u006dessage": "y"}', "malformed_json", id="E6-twice-in-two-spellings"
        ),
        pytest.param(b'{"a": {"b": 1, "b": 2}, "message": "x"}', "malformed_json", id="E6-twice-further-in"),
        pytest.param(b'{"message": "x"} {}', "malformed_json", id="E2-two-values"),
        pytest.param(b'{"message": "x", "n": -Infinity}', "malformed_json", id="E2-infinity"),
        pytest.param(b'{"n": ' + b"[" * 4_000 + b"]" * 4_000 + b"}", "malformed_json", id="E4-deep"),
        pytest.param(b'{"n": ' + b"[" * 500_000 + b"]" * 500_000 + b"}", "body_too_large", id="E4-deeper"),
    ],
)
async def test_a_body_that_is_not_plain_json_is_refused(
    client: Client, session: str, body: bytes, code: str
) -> None:
    answer = await client.http.post(f"{SESSIONS}/{session}/messages", content=body, headers=JSON)

    assert answer.status_code in (400, 413, 422)
    assert answer.json()["error"]["code"] == code
    assert b"secret" not in answer.content


async def test_e5_a_body_of_a_declared_size_is_refused_before_it_is_sent(server: Server) -> None:
    received = await sent_raw(server, post(server, "Content-Length: 100000000000", body="{").encode())

    assert status_of(received) == 413


class Named(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "1" if name in ("agent_id", "version") else str(uuid4())
