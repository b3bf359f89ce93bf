"""Every answer carries its request's id, and what is refused on every path is refused first."""

from uuid import UUID, uuid4

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from api.stage import ORIGIN, calling, error_of, small_app
from neo.api import edge
from neo.api.wire_rules import HEADER_BYTES_MAX


@pytest.mark.parametrize("path", ["/things", "/nowhere", "/bug"])
async def test_a_request_has_an_id_of_ours_whatever_its_caller_calls_it(
    http: httpx2.AsyncClient, path: str
) -> None:
    theirs = str(uuid4())

    with capture_logs(processors=[merge_contextvars]) as lines:
        answers = [
            await http.get(path, headers={"x-request-id": given})
            for given in (theirs, theirs, "x" * 129, "a b")
        ]

    ids = [str(UUID(answer.headers["x-request-id"])) for answer in answers]
    assert len({theirs, *ids}) == 5
    written = [line for line in lines if line["event"] == "request"]
    assert [line["request_id"] for line in written] == ids
    assert [line.get("caller_request_id") for line in written] == [theirs, theirs, None, None]


@pytest.mark.parametrize("path", ["/things", "/nowhere", "/bug", "/things?a=1&a=2", "/things%0a"])
async def test_every_answer_says_what_a_browser_must_not_do(http: httpx2.AsyncClient, path: str) -> None:
    answer = await http.get(path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/things", {}, 200),
        ("/things?a=1&a=2", {}, 400),
        ("/things%0a", {}, 400),
        ("/things", {"host": "a/b"}, 400),
        ("/things", {"x-long": "v" * HEADER_BYTES_MAX}, 400),
        ("/nowhere", {}, 404),
        ("/refused/UNAVAILABLE", {}, 503),
        ("/bug", {}, 500),
    ],
)
async def test_a_page_of_an_allowed_origin_may_read_every_answer(
    http: httpx2.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await http.get(path, headers={"origin": ORIGIN, **headers})
    foreign = await http.get(path, headers={"origin": "https://evil.example", **headers})

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, ORIGIN)
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/things%0a", {}), ("/things", {"host": "a/b"}), ("/things", {"transfer-encoding": "gzip, chunked"})],
)
@pytest.mark.parametrize(
    "asked", [{}, {"access-control-request-method": "PATCH"}], ids=["asked", "preflight"]
)
async def test_what_others_may_read_otherwise_is_refused_and_closed_whoever_would_answer_it(
    http: httpx2.AsyncClient, path: str, headers: dict[str, str], asked: dict[str, str]
) -> None:
    answer = await http.options(path, headers={"origin": ORIGIN, **headers, **asked})

    assert error_of(answer)["code"] == "malformed_request"
    assert answer.headers["connection"] == "close"


ASKED = (
    "authorization, baggage, cache-control, content-type, last-event-id, sentry-trace, traceparent, tracestate, "
    "user-agent, x-ms-blob-type, x-request-id"
)


async def test_a_preflight_allows_the_headers_that_browsers_ask_for(http: httpx2.AsyncClient) -> None:
    asked = {"access-control-request-method": "PATCH", "access-control-request-headers": ASKED}

    answer = await http.options("/things", headers={"origin": ORIGIN, **asked})
    foreign = await http.options("/things", headers={"origin": "https://evil.example", **asked})

    assert answer.status_code == 200
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert set(ASKED.split(", ")) <= set(allowed)
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers
    assert foreign.status_code == 400
    assert "access-control-allow-origin" not in foreign.headers


async def test_headers_of_a_request_are_those_of_its_answer_and_of_no_other(http: httpx2.AsyncClient) -> None:
    first = await http.post("/things/one", json={"name": "a"})
    refused = await http.post("/things/two", json={"name": 7})

    assert first.headers["x-name"] == "one"
    assert "x-name" not in refused.headers


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page_size=1&cursor=", 400),
        ("page_size=1&page_size=1", 400),
        ("page%5Fsize=1&page_size=", 400),
        ("a=1&b=1", 200),
    ],
)
async def test_a_parameter_that_is_sent_twice_is_refused_however_it_is_written(
    http: httpx2.AsyncClient, query: str, status: int
) -> None:
    answer = await http.get(f"/things?{query}")

    assert answer.status_code == status
    if "cursor" not in query and status == 400:
        assert error_of(answer)["code"] == "repeated_parameter"


@pytest.mark.parametrize("path", ["/things", "/nowhere"])
async def test_headers_have_a_bound_together(http: httpx2.AsyncClient, path: str) -> None:
    answer = await http.get(
        path, headers={f"x-{number}": "v" * 4096 for number in range(HEADER_BYTES_MAX // 4096)}
    )

    assert (answer.status_code, error_of(answer)["code"]) == (400, "headers_too_large")


async def test_what_breaks_outside_of_the_application_is_a_500_as_well() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError(scope["path"], receive, send)

    async with calling(edge(broken)) as http:
        answer = await http.get("/things")

    assert (answer.status_code, error_of(answer)["code"]) == (500, "internal_error")


async def test_it_needs_nothing_of_the_server_but_plain_asgi() -> None:
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/things",
        "raw_path": b"/things",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"neo")],
        "client": None,
        "server": None,
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await small_app()(scope, receive, send)

    assert sent[0]["type"] == "http.response.start"
    assert sent[0]["status"] == 200
    assert not sent[-1].get("more_body", False)
