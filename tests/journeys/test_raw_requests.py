"""What any client, proxy or attacker may put on a socket: each request is answered as what it is, and no byte of it is
taken for another one.
"""

import asyncio
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from support.client import SESSIONS, Client
from support.server import Server

PATIENCE_SECONDS = 10
# Nothing is sent before a packet is full or the sender has ended; the second name is macOS's.
AT_ONCE = getattr(socket, "TCP_CORK", 4)
# What may be on its way, in the buffers of both sides, when the server reads no more.
KERNEL_BYTES_MAX = 16 * 1024 * 1024
HEALTH = b"GET /public-api/health HTTP/1.1\r\nHost: x\r\n\r\n"
# What the connection is asked at last: the answers before it are then all that there were.
LAST = b"GET /public-api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
INNER = b"GET /llms.txt HTTP/1.1\r\nHost: x\r\n\r\n"
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
OPEN = b'{"managed_agent_key":"NEO_SUPPORT"}'
SIZE = f"Content-Length: {len(OPEN)}"
GET, OLD = f"GET {SESSIONS} HTTP/1.1", f"GET {SESSIONS} HTTP/1.0"
IN_CHUNKS = "Transfer-Encoding: chunked"
CHUNKED = b"%x\r\n%b\r\n0\r\n" % (len(OPEN), OPEN)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        return [value for found, value in self.headers if found == name]


def answers_in(received: bytes) -> list[Answer]:
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        headers = [
            (name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)
        ]
        by_name = dict(headers)
        assert first.startswith(b"HTTP/1.1 "), received[:200]
        size = len(rest)
        if b"content-length" in by_name:
            size = int(by_name[b"content-length"])
        elif by_name.get(b"transfer-encoding") == b"chunked":
            size = rest.index(b"0\r\n\r\n") + 5
        found.append(Answer(int(first.split(b" ")[1]), headers, rest[:size]))
        received = rest[size:]
    return found


async def exchange(server: Server, sent: bytes, *, closes_half: bool = False) -> list[Answer]:
    """All that the server answers until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    if closes_half:
        # The end goes with the request. Where it came later, a stream might be open already, which it ends.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, AT_ONCE, 1)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            writer.write(sent)
            if closes_half:
                writer.write_eof()
            return answers_in(await reader.read())
    finally:
        writer.close()


def ask(
    server: Server, first: str, *lines: str, body: bytes = b"", host: str = "Host: x", key: str = ""
) -> bytes:
    authorization = f"Authorization: Bearer {key or server.api_key}"
    head = [first, *([host] if host else []), authorization, "Content-Type: application/json", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


def open_one(server: Server, *lines: str, body: bytes = OPEN, key: str = "") -> bytes:
    return ask(server, f"POST {SESSIONS} HTTP/1.1", *lines, body=body, key=key)


def smuggled(server: Server, *lines: str) -> bytes:
    body = b"\r\n" * 200_000 + INNER
    return open_one(server, *lines, f"Content-Length: {len(body)}", body=body, key="nobody")


def at(path: str) -> Callable[[Server], bytes]:
    return lambda server: ask(server, f"GET {path} HTTP/1.1")


# The request, and the statuses of all answers to it and to `LAST`, which is sent behind it.
SENT: dict[str, tuple[Callable[[Server], bytes], list[int]]] = {
    "h2c-with-a-body": (lambda s: open_one(s, *H2C, SIZE), [200, 200]),
    "h2c-with-chunks": (lambda s: open_one(s, *H2C, IN_CHUNKS, body=CHUNKED + b"\r\n"), [200, 200]),
    "websocket": (lambda s: ask(s, GET, "Connection: keep-alive, upgrade", "Upgrade: websocket"), [200, 200]),
    "an-offer-of-two": (lambda s: open_one(s, "Connection: Upgrade", "Upgrade: x", "Upgrade: z", SIZE), [200, 200]),
    "an-offer-that-closes": (lambda s: open_one(s, "Connection: close, Upgrade", "Upgrade: h2c", SIZE), [200]),
    "two-offers-in-one-packet": (lambda s: open_one(s, *H2C, SIZE) * 2, [200, 200, 200]),
    "an-offer-with-an-inner-request": (lambda s: smuggled(s, *H2C), [401, 200]),
    "no-offer-with-an-inner-request": (smuggled, [401, 200]),
    "an-offer-with-two-framings": (lambda s: open_one(s, *H2C, SIZE, IN_CHUNKS, body=CHUNKED), [400]),
    "an-offer-with-two-lengths": (lambda s: open_one(s, *H2C, SIZE, "Content-Length: 3"), [400]),
    "fields-behind-chunks": (
        lambda s: ask(s, f"POST {SESSIONS} HTTP/1.1", IN_CHUNKS, body=CHUNKED + b"Host: y\r\n\r\n"),
        [200, 200],
    ),
    "three-at-once": (lambda _: HEALTH * 3, [200, 200, 200, 200]),
    "a-broken-body-that-nobody-reads": (
        lambda s: open_one(s, IN_CHUNKS, body=b"-1\r\n{}\r\n0\r\n\r\n", key="nobody"),
        [400],
    ),
    "more-body-than-said": (lambda s: open_one(s, SIZE, body=OPEN + b"\0\0GET"), [200]),
    "two-hosts": (lambda s: ask(s, GET, "Host: y"), [400]),
    "the-same-host-twice": (lambda s: ask(s, GET, "Host: x"), [400]),
    "no-host": (lambda s: ask(s, GET, host=""), [400]),
    "a-path-as-host": (lambda s: ask(s, GET, host="Host: x/y"), [400]),
    "a-user-in-the-host": (lambda s: ask(s, GET, host="Host: x@y"), [400]),
    "two-names-in-a-host": (lambda s: ask(s, GET, host="Host: x y"), [400]),
    "an-address-as-host": (lambda s: ask(s, GET, host="Host: [::1]:8600"), [200, 200]),
    "http-1.0-without-host": (lambda s: ask(s, OLD, host=""), [200]),
    "http-1.0-with-two-hosts": (lambda s: ask(s, OLD, "Host: y"), [400]),
    "two-hosts-in-one": (lambda s: ask(s, GET, host="Host: x,y"), [400]),
    "half-an-address-as-host": (lambda s: ask(s, GET, host="Host: [::1"), [400]),
    "http-1.0-with-chunks": (lambda s: ask(s, OLD, IN_CHUNKS, body=b"0\r\n\r\n"), [400]),
    "compressed-chunks": (
        lambda s: ask(s, GET, "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
        [400],
    ),
    "a-fragment": (at(f"{SESSIONS}#/../agents"), [400]),
    "http-2.0": (lambda s: ask(s, f"GET {SESSIONS} HTTP/2.0"), [400]),
    "http-0.9": (lambda s: ask(s, f"GET {SESSIONS} HTTP/0.9"), [400]),
    "two-spaces-in-the-line": (lambda s: ask(s, f"GET  {SESSIONS} HTTP/1.1"), [400]),
    "two-spaces-before-the-version": (lambda s: ask(s, f"GET {SESSIONS}  HTTP/1.1"), [400]),
    # The answer that is owed is given, and nothing behind it.
    "two-spaces-in-a-second-line": (lambda s: HEALTH + ask(s, f"GET  {SESSIONS} HTTP/1.1"), [200]),
    "two-spaces-behind-a-body": (lambda s: open_one(s, SIZE) + ask(s, f"GET  {SESSIONS} HTTP/1.1"), [200]),
    "a-line-in-a-body": (
        lambda s: open_one(s, f"Content-Length: {len(INNER)}", body=INNER, key="nobody"), [401, 200],
    ),
    "another-protocol": (lambda s: ask(s, f"GET {SESSIONS} RTSP/1.0"), [400]),
    "a-url-of-this-host": (lambda s: ask(s, f"GET http://X{SESSIONS} HTTP/1.1"), [200, 200]),
    "a-url-of-another-host": (lambda s: ask(s, f"GET http://y{SESSIONS} HTTP/1.1"), [400]),
    "a-url-of-another-port": (lambda s: ask(s, f"GET http://x:1{SESSIONS} HTTP/1.1"), [400]),
    "a-url-with-a-user": (lambda s: ask(s, f"GET http://x@y{SESSIONS} HTTP/1.1", host="Host: y"), [400]),
    "a-url-of-two-hosts": (lambda s: ask(s, f"GET http://x{SESSIONS} HTTP/1.1", "Host: x"), [400]),
    "a-url-of-no-host": (lambda s: ask(s, f"GET http://x{SESSIONS} HTTP/1.1", host=""), [400]),
    "a-url-in-http-1.0": (lambda s: ask(s, f"GET http://x{SESSIONS} HTTP/1.0", host=""), [200]),
    "a-target-that-is-no-path": (lambda s: ask(s, "GET x:80 HTTP/1.1"), [400]),
    **{
        f"path-{path}": (at(path), [400])
        for path in (
            "/public-api/tenant%0a", "/public-api/tenant%0A", "/public-api/tenant%0d", "/public-api%2Ftenant",
            "/public-api%2ftenant", "/public-api/tenant%00", "/public-api/tenant%7f",
            "/public-api/tenant%c2%85", "/docs%0a", "/public-api/health%0a",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize(("make", "statuses"), [pytest.param(*row, id=name) for name, row in SENT.items()])
async def test_a_request_has_its_answer_and_no_byte_of_it_another_one(
    server: Server, make: Callable[[Server], bytes], statuses: list[int]
) -> None:
    answers = await exchange(server, make(server) + LAST)

    assert [one.status for one in answers] == statuses
    assert not any(b"Neo Public API" in one.body for one in answers)
    for one in answers:
        if one.status == 400:
            assert b'"malformed_request"' in one.body
            assert one.values(b"x-request-id") != []
            assert one.values(b"connection") == [b"close"]


async def test_a_body_that_comes_after_an_offer_is_its_body(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    async with asyncio.timeout(PATIENCE_SECONDS):
        writer.write(open_one(server, *H2C, SIZE, "Expect: 100-continue", body=b""))
        told = await reader.readuntil(b"\r\n\r\n")
        writer.write(OPEN + LAST)
        answers = answers_in(await reader.read())
    writer.close()

    assert told.startswith(b"HTTP/1.1 100")
    assert [one.status for one in answers] == [200, 200]


@pytest.mark.parametrize(
    ("make", "statuses"),
    [
        pytest.param(lambda s: ask(s, GET), [200], id="get"),
        pytest.param(lambda s: open_one(s, SIZE), [200], id="post"),
        pytest.param(lambda s: open_one(s, *H2C, SIZE), [200], id="post-with-an-offer"),
        pytest.param(lambda s: open_one(s, SIZE) + HEALTH, [200, 200], id="two"),
        pytest.param(lambda s: ask(s, OLD), [200], id="http-1.0"),
        pytest.param(lambda _: HEALTH + HEALTH[:20], [200], id="one-and-a-half"),
        pytest.param(lambda s: open_one(s, SIZE, body=OPEN[:5]), [], id="half-a-body"),
    ],
)
async def test_who_has_closed_their_half_is_answered(
    server: Server, make: Callable[[Server], bytes], statuses: list[int]
) -> None:
    answers = await exchange(server, make(server), closes_half=True)

    assert [one.status for one in answers] == statuses


@pytest.mark.parametrize("closes_half", [False, True], ids=["open", "half-closed"])
async def test_a_tail_in_http_1_0_ends_with_its_connection_and_has_no_chunks(
    client: Client, server: Server, *, closes_half: bool
) -> None:
    session = await client.open()
    accepted = await client.say(session, "Hello")
    tail = f"{SESSIONS}/{session}/events?since={accepted['since_cursor']}"

    [answer] = await exchange(server, ask(server, f"GET {tail} HTTP/1.0"), closes_half=closes_half)

    assert answer.status == 200
    assert answer.values(b"connection") == [b"close"]
    assert answer.values(b"transfer-encoding") == []
    assert answer.values(b"cache-control") == [b"no-store, no-transform"]
    assert answer.body.startswith(b": stream-open\n\n")
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert not re.search(rb"^[0-9a-f]+\r$", answer.body, re.MULTILINE)


async def test_a_tail_that_closes_has_one_connection_header(client: Client, server: Server) -> None:
    session = await client.open()
    accepted = await client.say(session, "Hello")
    tail = f"{SESSIONS}/{session}/events?since={accepted['since_cursor']}"

    [answer] = await exchange(server, ask(server, f"GET {tail} HTTP/1.1", "Connection: close"))

    assert answer.values(b"connection") == [b"close"]


async def test_a_request_that_comes_byte_by_byte_is_the_same_request(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for byte in ask(server, GET) + LAST:
            writer.write(bytes([byte]))
            await writer.drain()
        answers = answers_in(await reader.read())
    writer.close()

    assert [one.status for one in answers] == [200, 200]


async def test_a_body_in_the_smallest_chunks_is_taken(server: Server) -> None:
    body = OPEN + b" " * 20_000
    chunks = b"".join(b"1\r\n%b\r\n" % body[at : at + 1] for at in range(len(body))) + b"0\r\n\r\n"

    answers = await exchange(server, open_one(server, IN_CHUNKS, body=chunks) + LAST)

    assert [one.status for one in answers] == [200, 200]


async def test_what_is_refused_for_its_parameters_or_its_size_is_closed_too(server: Server) -> None:
    """Others may have read another request, so what they send behind it may be somebody else's."""
    repeated = ask(server, f"GET {SESSIONS}?page_size=1&page_size=2 HTTP/1.1")
    large = ask(server, GET, f"X-A: {'a' * 20_000}")

    for sent, code in ((repeated, b'"repeated_parameter"'), (large, b'"headers_too_large"')):
        [answer] = await exchange(server, sent + LAST)
        assert (answer.status, code in answer.body) == (400, True)


ENDLESS = {
    "empty-lines": (b"", b"\r\n"),
    "a-field-behind-chunks": (IN_CHUNKS.encode() + b"\r\n\r\n0\r\nX: ", b"a"),
    "fields-behind-chunks": (IN_CHUNKS.encode() + b"\r\n\r\n0\r\n", b"X: a\r\n"),
    "a-chunk-that-says-much": (IN_CHUNKS.encode() + b"\r\n\r\n1;x=", b"a"),
    "chunks-that-say-much": (IN_CHUNKS.encode() + b"\r\n\r\n", b"1;x=%b\r\n \r\n" % (b"a" * 1_000)),
}


@pytest.mark.parametrize(("begun", "more"), [pytest.param(*row, id=name) for name, row in ENDLESS.items()])
@pytest.mark.parametrize("key", ["", "nobody"], ids=["known", "unknown"])
async def test_what_stands_beside_a_body_is_bounded(
    server: Server, key: str, begun: bytes, more: bytes
) -> None:
    head = open_one(server, body=b"", key=key).removesuffix(b"\r\n") if begun else b""
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    sent = 0

    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(ConnectionError):
            writer.write(head + begun)
            while sent < KERNEL_BYTES_MAX:
                writer.write(more * (65_536 // len(more)))
                await writer.drain()
                sent += 65_536
    writer.close()


async def test_what_is_no_request_leaves_one_line_in_the_log(server: Server) -> None:
    log = server.data / "logs" / "server.log"
    before = log.stat().st_size
    sent = [
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ]

    for one in sent:
        answers = await exchange(server, one)
        assert [answer.status for answer in answers] == [400]

    written = log.read_bytes()[before:]
    assert b"Traceback" not in written
    assert len(written) < 1_000 * len(sent)


@pytest.mark.parametrize("path", ["/public-api/health", "/public-api/ready"])
async def test_probes_may_ask_by_head(client: Client, path: str) -> None:
    answer = await client.http.head(path)
    refused = await client.http.post(path)

    assert (answer.status_code, answer.content) == (200, b"")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


async def test_the_reference_runs_no_inline_script_and_is_in_no_frame(client: Client) -> None:
    page = await client.http.get("/docs")
    script = await client.http.get("/docs/assets/start.js")

    assert re.findall(r"<script(?![^>]* src=)", page.text) == []
    assert not re.search(r"<[^>]+ (on\w+|style)=", page.text)
    policy = dict(one.strip().split(" ", 1) for one in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "validatorUrl: null" in script.text


async def test_an_upload_url_does_not_lead_where_the_caller_said(client: Client, server: Server) -> None:
    session = await client.open()
    asked = f"{SESSIONS}/{session}/attachments/upload-url"
    body = {"content_type": "image/png"}

    named = await client.http.post(asked, json=body, headers={"host": "evil.example"})
    local = await client.http.post(asked, json=body, headers={"host": "localhost:1"})

    assert named.json()["data"]["upload_url"].startswith(f"http://127.0.0.1:{server.port}/")
    assert local.json()["data"]["upload_url"].startswith("http://localhost:1/")
