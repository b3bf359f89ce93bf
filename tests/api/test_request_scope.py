"""Every answer carries its request's id, and what is refused on every path is refused first."""

from uuid import UUID, uuid4

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from api.stage import calling, error_of, small_app
from neo.api import edge
from neo.api.wire_rules import HEADER_BYTES_MAX


@pytest.mark.parametrize("path", ["/things", "/nowhere", "/bug"])
async def test_a_callers_own_id_is_taken_if_it_is_a_uuid(http: httpx2.AsyncClient, path: str) -> None:
    own = str(uuid4())

    taken = await http.get(path, headers={"x-request-id": own.upper()})
    made = [await http.get(path, headers=headers) for headers in ({"x-request-id": "own"}, {})]

    assert taken.headers["x-request-id"] == own
    ids = {UUID(answer.headers["x-request-id"]) for answer in made}
    assert len(ids) == 2
    assert all(answer.headers["x-content-type-options"] == "nosniff" for answer in (taken, *made))


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
