"""No way of writing an address, and no answer of a DNS, leads to a private place."""

from collections.abc import AsyncIterator, Sequence

import httpx2
import pytest

from egress.outside import HELLO, Names, Outside, outside
from neo.egress import (
    Bounds,
    Egress,
    EgressRateLimited,
    EgressRefused,
    EgressTimeout,
    EgressTooLarge,
    Listed,
)

LOOPBACK = Listed.parse("127.0.0.1/32")
PUBLIC = "93.184.215.14"
NAMES: dict[str, Sequence[Sequence[str]]] = {
    "loopback.example": [["127.0.0.1"]],
    "v6.example": [["::1"]],
    "private.example": [["10.1.2.3"]],
    "link.example": [["169.254.169.254"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "mixed.example": [[PUBLIC, "127.0.0.1"]],
    "shared.example": [["100.64.0.1"]],
    "localhost": [["127.0.0.1"]],
    "localhost.": [["127.0.0.1"]],
}
REFUSED = [
    "https://127.0.0.1:{port}/",
    "https://127.1:{port}/",
    "https://127.000.000.001:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.1:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://017700000001:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://[::1]:{port}/",
    "https://[::]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[0:0:0:0:0:ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[64:ff9b::127.0.0.1]:{port}/",
    "https://[64:ff9b:1::1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]:{port}/",
    "https://[fd00::1]:{port}/",
    "https://[fec0::1]:{port}/",
    "https://[3fff::1]:{port}/",
    "https://192.88.99.1/",
    "https://168.63.129.16/machine/",
    "https://[fe80::1%25lo]:{port}/",
    "https://[fe80::1]:{port}/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://[ff02::1]:{port}/",
    "https://10.0.0.1:{port}/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://240.0.0.1/",
    "https://loopback.example:{port}/",
    "https://LOOPBACK.example:{port}/",
    "https://v6.example:{port}/",
    "https://private.example/",
    "https://link.example/",
    "https://mapped.example:{port}/",
    "https://mixed.example:{port}/",
    "https://shared.example/",
    "https://localhost:{port}/",
    "https://localhost.:{port}/",
    "https://user:pass@93.184.215.14/",
    "https://127.0.0.1@93.184.215.14/",
    "http://93.184.215.14:{port}/",
    "http://loopback.example:{port}/",
    "ftp://93.184.215.14/",
    "https:///nowhere",
]


@pytest.fixture
async def inside() -> AsyncIterator[Outside]:
    async with outside() as one:
        yield one


async def fetch(egress: Egress, url: str, method: str = "GET", **headers: str) -> bytes:
    try:
        async with egress.client("tenant") as client:
            answer = await client.request(
                method, url, headers={k.replace("_", "-"): v for k, v in headers.items()}
            )
            return answer.content
    finally:
        await egress.aclose()


@pytest.mark.parametrize("url", REFUSED)
async def test_what_is_not_public_is_refused(inside: Outside, url: str) -> None:
    with pytest.raises((EgressRefused, httpx2.InvalidURL, httpx2.UnsupportedProtocol)):
        await fetch(Egress(Listed(), resolver=Names(NAMES)), url.format(port=inside.port))

    assert inside.connections == 0


@pytest.mark.parametrize(
    "listed", ["127.0.0.0/8", "127.0.0.1", "127.0.0.1:{port}", "loopback.example", "Loopback.Example.:{port}"]
)
async def test_what_the_operator_lists_is_reached(inside: Outside, listed: str) -> None:
    names = Names(NAMES)
    host = "127.0.0.1" if listed == "127.0.0.1:{port}" else "loopback.example"
    egress = Egress(Listed.parse(listed.format(port=inside.port)), resolver=names)
    scheme = "http"
    if listed in ("127.0.0.0/8", "127.0.0.1"):
        host = "127.0.0.1"

    assert await fetch(egress, f"{scheme}://{host}:{inside.port}/") == b"hello"


async def test_another_port_than_the_listed_one_is_refused(inside: Outside) -> None:
    with pytest.raises(EgressRefused):
        await fetch(Egress(Listed.parse("127.0.0.1:1")), f"http://127.0.0.1:{inside.port}/")

    assert inside.connections == 0


@pytest.mark.parametrize(
    "text", ["http://a.example", "a.example/x", "10.0.0.1/8", "*.example", "a:b", ":80", "a b"]
)
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is n"):
        Listed.parse(f"good.example, {text}")


async def test_a_name_that_changes_its_mind_leads_where_its_first_answer_was_checked(inside: Outside) -> None:
    async with outside(host="127.0.0.2", port=inside.port) as elsewhere:
        names = Names({"rebinds.example": [["127.0.0.1"], ["127.0.0.2"]]})
        listed = Listed.parse(f"127.0.0.1/32,rebinds.example:{inside.port}")

        assert (
            await fetch(Egress(listed, resolver=names), f"http://rebinds.example:{inside.port}/") == b"hello"
        )

        assert (inside.connections, elsewhere.connections, names.asked) == (1, 0, ["rebinds.example"])


async def test_a_public_answer_before_a_private_one_gives_no_way_in(inside: Outside) -> None:
    names = Names({"rebinds.example": [[PUBLIC], ["127.0.0.1"]]})
    egress = Egress(Listed(), resolver=names, bounds=Bounds(seconds=0.5))

    with pytest.raises((EgressTimeout, httpx2.TransportError)):
        await fetch(egress, f"https://rebinds.example:{inside.port}/")

    assert (inside.connections, names.asked) == (0, ["rebinds.example"])


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.2:{port}/", "https://127.0.0.1:{port}/", "//a.example/", "http://127.0.0.1:1/"],
)
async def test_a_redirection_to_another_place_is_refused(inside: Outside, location: str) -> None:
    to = location.format(port=inside.port)
    inside.answer = f"HTTP/1.1 307 Go\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n".encode()

    with pytest.raises(EgressRefused, match="redirection"):
        await fetch(
            Egress(Listed.parse("127.0.0.0/8")), f"http://127.0.0.1:{inside.port}/", authorization="secret"
        )

    assert inside.connections == 1


async def test_a_redirection_in_place_is_followed_a_few_times(inside: Outside) -> None:
    inside.answer = b"HTTP/1.1 302 Go\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n"

    with pytest.raises(httpx2.TooManyRedirects):
        await fetch(Egress(LOOPBACK), f"http://127.0.0.1:{inside.port}/")

    assert len(inside.heads) == 6


async def test_proxies_of_the_environment_are_not_asked(
    inside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")

    assert await fetch(Egress(LOOPBACK), f"http://127.0.0.1:{inside.port}/") == b"hello"


@pytest.mark.parametrize(
    "header",
    [
        {"host": "169.254.169.254"},
        {"transfer_encoding": "chunked"},
        {"connection": "upgrade"},
        {"upgrade": "h2c"},
        {"proxy_authorization": "x"},
        {"x_note": "a\r\nx-injected: b"},
    ],
)
async def test_a_header_that_leads_elsewhere_is_refused(inside: Outside, header: dict[str, str]) -> None:
    with pytest.raises(EgressRefused):
        await fetch(Egress(LOOPBACK), f"http://127.0.0.1:{inside.port}/", **header)

    assert inside.connections == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n" + b"x" * 1001, EgressTooLarge),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n",
            EgressTooLarge,
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhell", EgressTimeout),
        (b"", EgressTimeout),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nbomb", EgressRefused),
    ],
)
async def test_an_answer_is_bounded(answer: bytes, expected: type[Exception]) -> None:
    async with outside(answer) as one:
        seconds = 0.5 if expected is EgressTimeout else 30.0
        egress = Egress(LOOPBACK, bounds=Bounds(seconds=seconds, answer_bytes=1_000))

        with pytest.raises(expected):
            await fetch(egress, f"http://127.0.0.1:{one.port}/")


async def test_a_tenants_calls_are_bounded_and_anothers_are_not(inside: Outside) -> None:
    egress = Egress(LOOPBACK, bounds=Bounds(calls_a_minute=2))
    url = f"http://127.0.0.1:{inside.port}/"
    async with egress.client("one") as one, egress.client("two") as two:
        for _ in range(2):
            await one.get(url)
        with pytest.raises(EgressRateLimited) as raised:
            await one.get(url)

        assert (await two.get(url)).content == HELLO[-5:]

    assert raised.value.retry_after_seconds == 30
    await egress.aclose()
