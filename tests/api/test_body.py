"""A body is bounded in size and time, and JSON that parsers could read differently is refused."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.requests import Request

from api.stage import Thing, error_of
from neo.api import Phases, check_after_body, json_body
from neo.api.body import BODY_BYTES_MAX, BODY_SECONDS, VALUES_MAX, BodyTimedOut, MalformedBody

JSON = {"content-type": "application/json"}
PAD = len(b'{"name":""}')


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"name":"a","name":"b"}', "malformed_json"),
        (b'{"name":"a","inner":{"size":1,"size":2}}', "malformed_json"),
        (b'{"name":"a","x":1e999}', "malformed_json"),
        (b'{"name":"a","x":NaN}', "malformed_json"),
        (b'{"name":"\\ud800"}', "malformed_json"),
        (b'{"name":"\xff"}', "malformed_json"),
        (b"\xef\xbb\xbf{}", "malformed_json"),
        (b"[" * 5_000 + b"]" * 5_000, "malformed_json"),
        (b"", "malformed_json"),
        (b'{"name":"\\u0000"}', "validation_error"),
        (b'{"name":"a","x":{"\\u0000":1}}', "validation_error"),
        (b'{"name":7}', "validation_error"),
        (b"[]", "validation_error"),
    ],
)
async def test_what_parsers_read_differently_is_refused(
    http: httpx2.AsyncClient, raw: bytes, code: str
) -> None:
    answer = await http.post("/things/one", content=raw, headers=JSON)

    assert error_of(answer)["code"] == code


@pytest.mark.parametrize("levels", [300, 400, 900, 5_000])
@pytest.mark.parametrize("inmost", [b'"\\\\u0000"', b'"\\u0000"'], ids=["text-that-looks-like-nul", "nul"])
async def test_a_deep_body_is_refused_in_one_short_line(
    http: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str], levels: int, inmost: bytes
) -> None:
    raw = b'{"name":"a","x":' + b"[" * levels + inmost + b"]" * levels + b"}"

    answer = await http.post("/things/one", content=raw, headers=JSON)

    assert answer.status_code in (400, 413, 422)
    written = capsys.readouterr()
    assert len(written.out + written.err) < 2_000


def sized(unit: bytes) -> bytes:
    """A mebibyte of such values."""
    return b'{"name":"a","x":[' + b",".join([unit] * ((BODY_BYTES_MAX - 30) // (len(unit) + 1))) + b"]}"


@pytest.mark.parametrize(
    "raw",
    [
        *(sized(unit) for unit in (b"[]", b"{}", b"1", b'"\\\\"', b'""', b'"\\""', b'{"a":1}', b"1e5")),
        b'{"name":"a"' + b',"a":1' * (VALUES_MAX + 1) + b"}",
        b"[" * (VALUES_MAX + 1),
    ],
)
async def test_a_body_of_many_small_values_is_refused_before_any_is_made(
    http: httpx2.AsyncClient, raw: bytes
) -> None:
    answer = await http.post("/things/one", content=raw, headers=JSON)

    assert (answer.status_code, error_of(answer)["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("text", [",[{", '",[', "\\", '\\",', "\n,"])
async def test_what_is_in_a_text_is_no_value(http: httpx2.AsyncClient, text: str) -> None:
    answer = await http.post("/things/one", json={"name": text * 20_000, "x": [1] * (VALUES_MAX - 10)})

    assert answer.status_code == 202


async def test_what_is_wrong_is_named_by_its_path_and_never_quoted(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/things/one", json={"name": "a", "inner": {"size": "a secret"}})

    assert list(error_of(answer)["details"]["fields"]) == ["inner.size"]
    assert "a secret" not in answer.text


async def test_a_body_of_a_mebibyte_is_taken_and_one_byte_more_is_not(http: httpx2.AsyncClient) -> None:
    whole = b'{"name":"' + b"a" * (BODY_BYTES_MAX - PAD) + b'"}'

    async def in_pieces(raw: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(raw), 65_536):
            yield raw[start : start + 65_536]

    taken = await http.post("/things/one", content=whole, headers=JSON)
    declared = await http.post("/things/one", content=whole + b" ", headers=JSON)
    undeclared = await http.post("/things/one", content=in_pieces(whole + b" "), headers=JSON)

    assert taken.status_code == 202
    for answer in (declared, undeclared):
        assert (answer.status_code, error_of(answer)["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json; v=1; charset=utf-16"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_another_media_type_charset_or_encoding_is_415(
    http: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await http.post("/things/one", content=b'{"name":"a"}', headers=headers)

    assert (answer.status_code, error_of(answer)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json; charset=UTF-8"},
        {"content-type": 'Application/JSON;charset="utf-8"'},
        {"content-type": "application/json; charset=utf8"},
        {"content-type": "application/json; v=1; charset=utf-8"},
        {"content-type": "application/json; odata.metadata=minimal"},
        {"content-type": "application/json;"},
        {"content-type": "application/json", "content-encoding": "Identity"},
    ],
)
async def test_json_in_utf_8_may_be_said_in_any_way(
    http: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await http.post("/things/one", content=b'{"name":"a"}', headers=headers)

    assert answer.status_code == 202


def request_of(*messages: dict[str, object]) -> Request:
    """One whose body comes as these messages, and then does not go on."""
    left = list(messages)

    async def receive() -> dict[str, object]:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    scope = {
        "type": "http",
        "headers": [(b"content-type", b"application/json")],
        "state": {"phases": Phases()},
    }
    return Request(scope, receive)


async def test_a_body_that_does_not_go_on_is_given_up() -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()

    with pytest.raises(BodyTimedOut):
        await json_body(Thing)(request_of({"type": "http.request", "body": b"{", "more_body": True}))

    assert BODY_SECONDS <= loop.time() - started < BODY_SECONDS + 5


async def test_a_client_that_leaves_in_the_middle_sent_no_body() -> None:
    with pytest.raises(MalformedBody):
        await json_body(Thing)(
            request_of({"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"})
        )


@pytest.mark.parametrize("is_slow", [False, True])
async def test_what_holds_is_checked_again_only_when_the_body_was_waited_for(*, is_slow: bool) -> None:
    async def receive() -> dict[str, object]:
        await asyncio.sleep(0) if is_slow else None
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def check() -> None:
        checks.append(1)

    checks: list[int] = []
    request = Request(request_of().scope, receive)
    check_after_body(request, check)

    await json_body(Thing)(request)

    assert len(checks) == is_slow
