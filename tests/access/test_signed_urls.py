"""A signed URL is good for one thing, as it was handed out, for a while (I1, I2, I3, I6)."""

import time

import pytest

from neo.access.signed_urls import SECONDS_MAX, InvalidSignature, UrlSigner

OLD, NEW = "an old secret of at least 32 characters", "a new secret of at least 32 characters"
REFUSAL = "This URL is not valid, or not any more: ask for a new one, and use it unchanged."


@pytest.fixture
def signer() -> UrlSigner:
    return UrlSigner((NEW,))


def refused(signer: UrlSigner, query: str, purpose: str = "read", named: str = "a/b") -> bool:
    """Refused, and in the same words whatever is wrong."""
    try:
        signer.check(purpose, named, query.encode())
    except InvalidSignature as failure:
        return failure.message == REFUSAL
    return False


def parts_of(query: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in query.split("&"))


def joined(parts: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in parts.items())


def test_what_was_signed_is_accepted_in_any_order(signer: UrlSigner) -> None:
    query = signer.sign("read", "a/b", seconds=60)

    signer.check("read", "a/b", query.encode())
    signer.check("read", "a/b", "&".join(reversed(query.split("&"))).encode())


@pytest.mark.parametrize("name", ["v", "expires", "kid", "signature"])
def test_i1_a_parameter_that_is_changed_missing_repeated_or_empty_is_refused(
    signer: UrlSigner, name: str
) -> None:
    query = signer.sign("read", "a/b", seconds=60)
    parts = parts_of(query)
    changed = parts[name][:-1] + ("1" if parts[name][-1] != "1" else "2")

    assert refused(signer, joined({**parts, name: changed}))
    assert refused(signer, joined({**parts, name: ""}))
    assert refused(signer, joined({key: value for key, value in parts.items() if key != name}))
    assert refused(signer, f"{query}&{name}={parts[name]}")


@pytest.mark.parametrize(
    "query",
    ["", "&", "v", "v=1", "{}&x=1", "{}&", "&{}", "{}#", "{};a=1", "x={}", "{}&v[]=1", "{}" + "&a=1" * 99],
)
def test_i1_a_query_of_another_shape_is_refused(signer: UrlSigner, query: str) -> None:
    assert refused(signer, query.format(signer.sign("read", "a/b", seconds=60)))


@pytest.mark.parametrize("named", ["a/B", "a/b/", "/a/b", "a/b\n", "a/c", "", "a%2Fb"])
def test_i1_another_object_is_refused(signer: UrlSigner, named: str) -> None:
    assert refused(signer, signer.sign("read", "a/b", seconds=60), named=named)


def test_i1_parts_cannot_be_moved_from_one_field_to_the_next(signer: UrlSigner) -> None:
    parts = parts_of(signer.sign("read", "7\nb", seconds=60))

    assert refused(signer, joined({**parts, "expires": f"{parts['expires']}7"}), named="b")


def test_i2_a_signature_of_another_purpose_is_refused(signer: UrlSigner) -> None:
    assert refused(signer, signer.sign("upload", "a/b", seconds=60), purpose="read")


def test_i2_a_signature_of_another_environment_is_refused(signer: UrlSigner) -> None:
    assert refused(signer, UrlSigner((OLD,)).sign("read", "a/b", seconds=60))


@pytest.mark.parametrize("change", [str.upper, str.lower, lambda text: text[:-1], lambda text: text + "="])
def test_i2_a_signature_in_another_spelling_is_refused(signer: UrlSigner, change: object) -> None:
    parts = parts_of(signer.sign("read", "a/b", seconds=60))

    assert callable(change)
    assert refused(signer, joined({**parts, "signature": change(parts["signature"])}))


def test_i2_the_spare_bits_of_a_signature_count_too(signer: UrlSigner) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    parts = parts_of(signer.sign("read", "a/b", seconds=60))
    twin = alphabet[alphabet.index(parts["signature"][-1]) ^ 1]

    assert refused(signer, joined({**parts, "signature": parts["signature"][:-1] + twin}))


def test_i3_an_expired_one_is_refused(signer: UrlSigner) -> None:
    assert refused(signer, signer.sign("read", "a/b", seconds=-1))
    assert refused(signer, signer.sign("read", "a/b", seconds=0))


def test_i3_an_expiry_too_far_ahead_is_refused_even_when_it_is_signed(signer: UrlSigner) -> None:
    query = signer.sign("read", "a/b", seconds=SECONDS_MAX + 60)

    assert refused(signer, query)
    signer.check("read", "a/b", query.encode(), seconds_max=SECONDS_MAX + 60)


def test_i6_during_rotation_both_secrets_are_accepted_and_the_first_signs() -> None:
    before, during, after = UrlSigner((OLD,)), UrlSigner((NEW, OLD)), UrlSigner((NEW,))
    old, new = before.sign("read", "a", seconds=60), during.sign("read", "a", seconds=60)

    during.check("read", "a", old.encode())
    after.check("read", "a", new.encode())
    assert refused(after, old, named="a")
    assert parts_of(old)["kid"] != parts_of(new)["kid"]


def test_the_query_shows_when_it_ends(signer: UrlSigner) -> None:
    expires = int(parts_of(signer.sign("read", "a", seconds=600))["expires"])

    assert expires == pytest.approx(time.time() + 600, abs=2)
