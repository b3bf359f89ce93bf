"""Who guesses keys is slowed down by address, whoever shares the address is not, and no header moves an address."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from access.limits.conftest import LIMIT, ORIGIN, PROXY
from neo.access import FailedAttempts, new_key
from neo.access.errors import TooManyFailedAttempts
from neo.access.limits.failed_attempts import LOOKED_UP_MAX
from support.client import SESSIONS, Client
from support.rows import Rows
from support.server import Server

ATTEMPTS = 10


@pytest.fixture
async def nobody(limited: Server) -> AsyncIterator[Client]:
    """Whoever comes through the proxy without a key."""
    through_proxy = httpx2.AsyncHTTPTransport(local_address=PROXY, verify=False)
    client = Client(limited.url, "", transport=through_proxy)
    yield client
    await client.http.aclose()


@pytest.fixture
async def stranger(limited: Server) -> AsyncIterator[Client]:
    """Whoever comes past the proxy without a key."""
    client = Client(limited.url, "")
    yield client
    await client.http.aclose()


@pytest.fixture
async def tenant(limited: Server, limited_rows: Rows) -> AsyncIterator[Client]:
    client = Client(limited.url, (await limited_rows.tenant()).api_key)
    yield client
    await client.http.aclose()


async def guess(client: Client, address: str) -> httpx2.Response:
    return await client.http.get(
        SESSIONS, headers={"authorization": f"Bearer {new_key('local')}", "x-forwarded-for": address}
    )


async def test_c8_guesses_beyond_ten_a_minute_and_address_are_429_and_good_keys_are_served(
    nobody: Client, limited_rows: Rows
) -> None:
    good = {"authorization": f"Bearer {(await limited_rows.tenant()).api_key}"}
    before = await nobody.http.get(SESSIONS, headers={**good, "x-forwarded-for": "198.51.100.7"})
    guesses = [await guess(nobody, "198.51.100.7") for _ in range(ATTEMPTS + 2)]
    here = await nobody.http.get(SESSIONS, headers={**good, "x-forwarded-for": "198.51.100.7"})
    there = await nobody.http.get(SESSIONS, headers={**good, "x-forwarded-for": "198.51.100.8"})
    elsewhere = await guess(nobody, "198.51.100.9")
    without = await nobody.http.get(SESSIONS, headers={"x-forwarded-for": "198.51.100.7"})

    assert [answer.status_code for answer in guesses] == [401] * ATTEMPTS + [429] * 2
    assert guesses[-1].json()["error"]["code"] == "too_many_failed_attempts"
    assert int(guesses[-1].headers["retry-after"]) == 60
    assert [before.status_code, here.status_code, there.status_code] == [200] * 3
    assert [elsewhere.status_code, without.status_code] == [401, 401]


async def test_e16_a_forwarded_address_counts_from_the_named_proxy_only(
    nobody: Client, stranger: Client
) -> None:
    through_proxy = [(await guess(nobody, f"203.0.113.{n}")).status_code for n in range(ATTEMPTS + 2)]
    by_itself = [(await guess(stranger, f"203.0.113.{n}")).status_code for n in range(ATTEMPTS + 2)]

    assert through_proxy == [401] * (ATTEMPTS + 2)
    assert by_itself == [401] * ATTEMPTS + [429] * 2


async def test_e16_nobody_says_under_which_name_the_server_was_called(
    limited: Server, tenant: Client
) -> None:
    session = await tenant.open()
    spoofed = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "forwarded": "host=evil.example",
    }

    answer = await tenant.http.post(
        f"{SESSIONS}/{session}/attachments/upload-url", json={"content_type": "image/png"}, headers=spoofed
    )

    assert answer.json()["data"]["upload_url"].startswith(f"{limited.url}/")


async def test_from_an_address_that_guesses_only_what_was_good_is_looked_up_and_little_else() -> None:
    attempts = FailedAttempts(2)
    attempts.note_good("good")
    for number in range(2):
        await attempts.check("192.0.2.1", f"wrong {number}")
        await attempts.count("192.0.2.1")

    for _ in range(5):
        await attempts.check("192.0.2.1", "good")
    # A few a second, whoever comes with something new.
    for number in range(LOOKED_UP_MAX):
        await attempts.check("192.0.2.1", f"new {number}")
    with pytest.raises(TooManyFailedAttempts):
        await attempts.check("192.0.2.1", "newer")
    await attempts.check("192.0.2.2", "newer")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        pytest.param("2001:db8::1", "2001:db8::ffff:2", True, id="M1-one-64"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="M1-two-64s"),
        pytest.param("192.0.2.1", "::ffff:192.0.2.1", True, id="M1-mapped"),
        pytest.param("::ffff:192.0.2.1", "::ffff:192.0.2.2", False, id="M1-two-mapped"),
        pytest.param("2001:db8::1", "2001:0DB8:0:0::1", True, id="M1-spelling"),
    ],
)
async def test_an_address_is_its_place_on_the_net(one: str, other: str, *, is_same: bool) -> None:
    attempts = FailedAttempts(1)
    await attempts.count(one)

    if is_same:
        with pytest.raises(TooManyFailedAttempts):
            await attempts.count(other)
    else:
        await attempts.count(other)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        f"{ORIGIN}.evil.example",
        "https://evil-app.example",
        "http://app.example",
        f"{ORIGIN}:8443",
        "https://APP.example",
        "*",
    ],
)
async def test_h9_no_other_origin_is_let_in(nobody: Client, origin: str) -> None:
    asked = {
        "origin": origin,
        "access-control-request-method": "GET",
        "access-control-request-headers": "cookie",
    }

    preflight = await nobody.http.options(SESSIONS, headers=asked)
    answer = await nobody.http.get(SESSIONS, headers={"origin": origin, "cookie": "key=1"})

    for one in (preflight, answer):
        assert "access-control-allow-origin" not in one.headers
        assert "access-control-allow-credentials" not in one.headers


async def test_h9_the_named_origins_are_let_in_without_cookies(
    nobody: Client, tenant: Client, limited: Server
) -> None:
    session = await tenant.open()

    asked = {"origin": ORIGIN, "access-control-request-method": "GET"}
    preflight = await nobody.http.options(SESSIONS, headers=asked)
    async with tenant.http.stream("GET", f"{SESSIONS}/{session}/events", headers={"origin": ORIGIN}) as tail:
        assert tail.headers["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-credentials" not in tail.headers
    cookie = await nobody.http.get(SESSIONS, headers={"origin": ORIGIN, "cookie": f"neo={limited.api_key}"})

    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in preflight.headers
    assert "origin" in preflight.headers["vary"].lower()
    assert cookie.status_code == 401


async def test_m3_every_answer_to_a_known_caller_says_what_is_left(tenant: Client) -> None:
    session = await tenant.open()
    url = f"{SESSIONS}/{session}"

    answers = [
        await tenant.http.get(url),
        await tenant.http.get(f"{SESSIONS}/nowhere"),
        await tenant.http.get("/public-api/api-keys"),
        await tenant.http.post(f"{url}/messages", json={}),
        await tenant.http.post(f"{url}/messages", content=b"{"),
    ]
    async with tenant.stream(session) as tail:
        headers = [answer.headers for answer in answers] + [tail.headers]

    assert [answer.status_code for answer in answers] == [200, 404, 403, 422, 415]
    assert {one["x-ratelimit-limit"] for one in headers} == {str(LIMIT)}
    left = [int(one["x-ratelimit-remaining"]) for one in headers]
    assert left == list(range(left[0], left[0] - len(left), -1))
    assert all(one["x-ratelimit-reset"].isdigit() for one in headers)
