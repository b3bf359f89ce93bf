"""The provider's keys: kept through an outage, renewed in time, and never asked for too often."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from neo.access import EntraRules, EntraVerifier, KeySource, SigningKeys, Unauthenticated
from neo.access.errors import IdentityProviderUnavailable
from neo.cli.dev_issuer.tokens import AUDIENCE, CLIENT_ID, metadata
from support.issuer import OID, Issuer, compact, rsa_key

HOUR = 3600.0
MINUTE = 60.0
SETTLE_SECONDS_MAX = 5.0


async def is_accepted(verifier: EntraVerifier, token: str) -> bool:
    try:
        return (await verifier.verify(token)).oid == OID
    except Unauthenticated:
        return False


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SETTLE_SECONDS_MAX):
        while not holds():
            await asyncio.sleep(0.005)


def good_key() -> dict[str, Any]:
    """As it would be accepted, if the answer were."""
    return dict(rsa_key("good").as_dict(private=False))


async def drops() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.1)


async def ten_mb() -> AsyncIterator[bytes]:
    yield f'{{"keys": [{json.dumps(good_key())}], "x": "'.encode()
    for _ in range(160):
        yield b"x" * 65_536
    yield b'"}'


def numbers(bits: int) -> dict[str, str]:
    raw = (1 << (bits - 1) | 1).to_bytes(bits // 8, "big")
    return {"n": urlsafe_b64encode(raw).rstrip(b"=").decode(), "e": "AQAB"}


TROUBLES: dict[str, Callable[[], Response]] = {
    "B23-500": lambda: JSONResponse({"keys": [good_key()]}, 500),
    "B23-html": lambda: HTMLResponse("<html>Sign in</html>"),
    "B23-10-mb": lambda: StreamingResponse(ten_mb()),
    "B23-redirect": lambda: RedirectResponse("/moved"),
    "B23-no-keys": lambda: JSONResponse({"keys": []}),
    "B23-null": lambda: JSONResponse(None),
    "B23-list": lambda: JSONResponse([]),
    "B23-keys-are-a-string": lambda: JSONResponse({"keys": "good"}),
    "B23-nested-deeply": lambda: Response("[" * 100_000),
    "B23-only-a-bad-key": lambda: JSONResponse({"keys": [{"kty": "oct", "kid": "good", "k": "AAAA"}]}),
}

BAD_KEYS: dict[str, Callable[[Issuer], Any]] = {
    "B23-oct": lambda _: {"kty": "oct", "kid": "bad", "k": "c2VjcmV0"},
    "B23-private-parts": lambda _: dict(rsa_key("bad").as_dict(private=True)),
    "B23-one-private-part": lambda issuer: issuer.jwk("bad", d="AQAB"),
    "B23-512-bits": lambda issuer: issuer.jwk("bad", **numbers(512)),
    "B23-2047-bits": lambda issuer: issuer.jwk("bad", **numbers(2040)),
    "B23-16384-bits": lambda issuer: issuer.jwk("bad", **numbers(16384)),
    "B23-use-enc": lambda issuer: issuer.jwk("bad", use="enc"),
    "B23-alg-RS512": lambda issuer: issuer.jwk("bad", alg="RS512"),
    "B23-kty-EC": lambda issuer: issuer.jwk("bad", kty="EC"),
    "B23-kid-list": lambda issuer: issuer.jwk("bad", kid=["bad"]),
    "B23-no-kid": lambda issuer: {n: v for n, v in issuer.jwk("bad").items() if n != "kid"},
    "B23-issuer-number": lambda issuer: issuer.jwk("bad", issuer=1),
    "B23-n-garbage": lambda issuer: issuer.jwk("bad", n="!"),
    "B23-n-empty": lambda issuer: issuer.jwk("bad", n=""),
    "B23-e-one": lambda issuer: issuer.jwk("bad", e="AQ"),
    "B23-n-number": lambda issuer: issuer.jwk("bad", n=1),
    "B23-n-missing": lambda issuer: {n: v for n, v in issuer.jwk("bad").items() if n != "n"},
    "B23-string": lambda _: "bad",
}


async def test_nothing_is_fetched_before_the_first_token_and_once_for_many(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    before = issuer.key_requests

    accepted = await asyncio.gather(*(is_accepted(verifier, issuer.token()) for _ in range(50)))

    assert accepted == [True] * 50
    assert (before, issuer.key_requests) == (0, 1)


async def test_B21_a_new_key_is_accepted_after_one_refresh(issuer: Issuer) -> None:  # noqa: N802
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.keys.append(issuer.jwk("new"))
    issuer.clock.now += 5 * MINUTE

    accepted = await asyncio.gather(*(is_accepted(verifier, issuer.token(kid="new")) for _ in range(20)))

    assert accepted == [True] * 20
    assert await is_accepted(verifier, issuer.token())
    assert issuer.key_requests == 2


async def test_B21_a_removed_key_is_refused_once_the_keys_were_refreshed(issuer: Issuer) -> None:  # noqa: N802
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.keys = [issuer.jwk("new")]
    issuer.clock.now += HOUR + 1

    # This one is still checked with what is there; the refresh goes on behind it.
    assert await is_accepted(verifier, issuer.token())
    await until(lambda: issuer.key_requests == 2)
    async with asyncio.timeout(SETTLE_SECONDS_MAX):
        while await is_accepted(verifier, issuer.token()):
            await asyncio.sleep(0.005)

    assert await is_accepted(verifier, issuer.token(kid="new"))
    assert issuer.key_requests == 2


async def test_B21_a_removed_key_is_refused_after_a_day_without_any_call(issuer: Issuer) -> None:  # noqa: N802
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.keys = [issuer.jwk("new")]
    issuer.clock.now += 24 * HOUR + 1

    assert not await is_accepted(verifier, issuer.token())


async def test_B21_in_an_outage_of_more_than_a_day_no_key_is_trusted(issuer: Issuer) -> None:  # noqa: N802
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.trouble = TROUBLES["B23-500"]
    issuer.clock.now += 24 * HOUR

    assert await is_accepted(verifier, issuer.token())
    issuer.clock.now += 1
    with pytest.raises(IdentityProviderUnavailable):
        await verifier.verify(issuer.token())
    await verifier.aclose()


async def test_B22_a_storm_of_unknown_keys_asks_once_in_five_minutes(issuer: Issuer) -> None:  # noqa: N802
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    storm = [compact({"kid": str(uuid4())}, {}, sign=lambda _: b"x") for _ in range(10_000)]

    refused = [not await is_accepted(verifier, token) for token in storm[:5_000]]
    at_once = issuer.key_requests
    issuer.clock.now += 5 * MINUTE
    refused += [not await is_accepted(verifier, token) for token in storm[5_000:]]

    assert refused == [True] * 10_000
    assert (at_once, issuer.key_requests) == (1, 2)


async def test_B22_good_tokens_do_not_wait_for_what_a_storm_has_asked_for(issuer: Issuer) -> None:  # noqa: N802
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.clock.now += 5 * MINUTE
    issuer.answers.clear()
    unknown = [asyncio.create_task(is_accepted(verifier, issuer.token(kid="attacker"))) for _ in range(100)]
    await until(lambda: issuer.key_requests == 2)

    good = [await is_accepted(verifier, issuer.token()) for _ in range(20)]
    waiting = [not task.done() for task in unknown]
    issuer.answers.set()

    assert good == [True] * 20
    assert waiting == [True] * 100
    assert await asyncio.gather(*unknown) == [False] * 100
    assert issuer.key_requests == 2


async def test_one_who_goes_away_takes_the_answer_from_nobody(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    issuer.answers.clear()
    first, second = (asyncio.create_task(is_accepted(verifier, issuer.token())) for _ in range(2))
    await until(lambda: issuer.key_requests == 1)

    first.cancel()
    await asyncio.wait([first])
    issuer.answers.set()

    assert await second
    assert issuer.key_requests == 1


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
async def test_f38_the_last_good_keys_stay_through_an_outage(
    issuer: Issuer, trouble: Callable[[], Response]
) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.trouble = trouble
    issuer.clock.now += 5 * MINUTE

    assert not await is_accepted(verifier, issuer.token(kid="unknown"))

    issuer.clock.now += 23 * HOUR
    assert await is_accepted(verifier, issuer.token())
    await until(lambda: issuer.key_requests == 3)
    assert await is_accepted(verifier, issuer.token())
    assert (issuer.key_requests, issuer.stray_requests) == (3, 0)
    await verifier.aclose()


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
async def test_without_any_keys_nobody_can_be_told_and_we_say_so(
    issuer: Issuer, trouble: Callable[[], Response]
) -> None:
    verifier = issuer.verifier()
    issuer.trouble = trouble

    with pytest.raises(IdentityProviderUnavailable) as unavailable:
        await verifier.verify(issuer.token())
    with pytest.raises(IdentityProviderUnavailable):
        await verifier.verify(issuer.token())
    requests = issuer.key_requests
    issuer.trouble = None
    issuer.clock.now += unavailable.value.retry_after_seconds or 0

    assert await is_accepted(verifier, issuer.token())
    assert (requests, issuer.key_requests, issuer.stray_requests) == (1, 2, 0)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: ["issuer", "jwks_uri"], id="list"),
        pytest.param(lambda found: {**found, "issuer": None}, id="no-issuer"),
        pytest.param(lambda found: {"issuer": found["issuer"]}, id="no-address-of-keys"),
        pytest.param(
            lambda found: {**found, "jwks_uri": found["jwks_uri"].replace("127.0.0.1", "0.0.0.0")},
            id="keys-without-tls",
        ),
        pytest.param(lambda found: {**found, "jwks_uri": "file:///etc/passwd"}, id="keys-in-a-file"),
    ],
)
async def test_metadata_that_is_not_whole_or_not_safe_is_none(
    issuer: Issuer, change: Callable[[dict[str, Any]], Any]
) -> None:
    issuer.metadata = change(metadata(issuer.url))

    with pytest.raises(IdentityProviderUnavailable):
        await issuer.verifier().verify(issuer.token())

    assert issuer.key_requests == 0


async def test_nobody_waits_for_the_hourly_refresh(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.answers.clear()
    issuer.clock.now += HOUR + 1

    # Whoever waited for the provider would wait for five seconds.
    async with asyncio.timeout(4.5):
        accepted = [await is_accepted(verifier, issuer.token()) for _ in range(10)]
        await until(lambda: issuer.key_requests == 2)

    assert accepted == [True] * 10
    await verifier.aclose()


async def test_B23_a_provider_that_dawdles_is_given_five_seconds(issuer: Issuer) -> None:  # noqa: N802
    issuer.trouble = lambda: StreamingResponse(drops())

    async with asyncio.timeout(30):
        with pytest.raises(IdentityProviderUnavailable):
            await issuer.verifier().verify(issuer.token())


async def test_a_provider_that_cannot_be_reached_is_503() -> None:
    rules = EntraRules(
        audience=str(AUDIENCE),
        client_ids=frozenset({str(CLIENT_ID)}),
        scope="s",
        v1_audience=None,
        v1_issuer="",
    )
    verifier = EntraVerifier(rules, SigningKeys(KeySource("http://127.0.0.1:9/metadata")))

    with pytest.raises(IdentityProviderUnavailable):
        await verifier.verify(compact({"kid": "good"}, {}))


@pytest.mark.parametrize("bad", BAD_KEYS.values(), ids=BAD_KEYS.keys())
async def test_a_bad_key_is_passed_over_and_the_good_one_counts(
    issuer: Issuer, bad: Callable[[Issuer], Any]
) -> None:
    issuer.keys.insert(0, bad(issuer))
    verifier = issuer.verifier()

    assert list((await issuer.source.fetch()).keys) == ["good"]
    assert await is_accepted(verifier, issuer.token())
    assert not await is_accepted(verifier, compact({"kid": "bad"}, issuer.claims(), kid="bad"))


async def test_B23_a_key_of_1024_bits_signs_nothing(issuer: Issuer) -> None:  # noqa: N802
    small = generate_private_key(65537, 1024)
    issuer.keys.append(issuer.jwk("bad", **_public(small.public_key().public_numbers().n)))
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    token = compact(
        {"kid": "bad"},
        issuer.claims(),
        sign=lambda signed: small.sign(signed, padding.PKCS1v15(), hashes.SHA256()),
    )

    assert not await is_accepted(issuer.verifier(), token)


async def test_the_address_of_the_keys_can_be_named_apart(issuer: Issuer) -> None:
    ring = await KeySource(issuer.source.metadata_url, f"{issuer.url}/elsewhere").fetch()

    assert (issuer.key_requests, issuer.stray_requests) == (0, 1)
    assert (list(ring.keys), ring.issuer) == (["good"], f"{issuer.url}/{{tenantid}}/v2.0")


def _public(modulus: int) -> dict[str, str]:
    raw = modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")
    return {"n": urlsafe_b64encode(raw).rstrip(b"=").decode(), "e": "AQAB"}
