"""Each purpose has its own key; and a key that what is stored depends on stays as it is."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from joserfc import jwt

from neo.access.session_tokens import SessionClaims, SessionTokens, _key, _without_warning
from neo.kit import KeyPurpose, api_key_pepper, derived_key, former_session_token_key

SECRET, OTHER = "a secret of at least thirty-two characters", "another secret of as many characters"
CLAIMS = SessionClaims(
    uuid4(), uuid4(), uuid4(), datetime.now(UTC) + timedelta(hours=1), None, None, None, ()
)


@pytest.mark.parametrize("purpose", KeyPurpose)
def test_a_key_is_derived_as_rfc_5869_says(purpose: KeyPurpose) -> None:
    extracted = hmac.digest(bytes(32), SECRET.encode(), "sha256")

    assert derived_key(SECRET, purpose) == hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")


def test_no_two_purposes_or_secrets_share_a_key() -> None:
    others = (api_key_pepper, former_session_token_key, str.encode)
    keys = [
        *(derived_key(secret, purpose) for secret in (SECRET, OTHER) for purpose in KeyPurpose),
        *(derive(secret) for secret in (SECRET, OTHER) for derive in others),
    ]

    assert len(set(keys)) == len(keys) == 2 * (len(KeyPurpose) + len(others))


def test_the_pepper_is_the_one_that_stored_digests_were_made_with() -> None:
    assert api_key_pepper(SECRET) == hashlib.sha256(f"neo api-key pepper\0{SECRET}".encode()).digest()


def test_a_token_of_before_the_keys_were_derived_anew_is_good_until_it_ends() -> None:
    tokens = SessionTokens((SECRET,))
    seed = hashlib.sha256(f"neo session tokens\0{SECRET}".encode()).digest()
    key = _key(seed)
    with _without_warning():
        before = jwt.encode({"alg": "EdDSA", "kid": key.kid}, CLAIMS.payload(), key, algorithms=["EdDSA"])

    assert tokens.verify(before)[0] == CLAIMS.jti
    assert before.split(".")[0] != tokens.sign(CLAIMS).split(".")[0]
