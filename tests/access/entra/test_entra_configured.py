"""A server that half knows whom to trust does not start."""

import os

import pytest

from neo.cli.dev_issuer.tokens import AUDIENCE, CLIENT_ID
from neo.resources import NotConfigured, entra_verifier
from neo.settings import read_settings

METADATA = "https://login.microsoftonline.us/common/v2.0/.well-known/openid-configuration"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for variable in [name for name in os.environ if name.startswith("NEO_")]:
        monkeypatch.delenv(variable)
    return monkeypatch


def test_without_an_audience_no_token_is_checked(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NEO_ENTRA_CLIENT_IDS", str(CLIENT_ID))

    assert entra_verifier(read_settings()) is None


def test_audience_and_applications_are_enough(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NEO_ENTRA_AUDIENCE", str(AUDIENCE).upper())
    environment.setenv("NEO_ENTRA_CLIENT_IDS", f" {CLIENT_ID} , {AUDIENCE},")
    environment.setenv("NEO_ENTRA_METADATA_URL", METADATA)

    assert entra_verifier(read_settings()) is not None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NEO_ENTRA_AUDIENCE", f"api://{AUDIENCE}"),
        ("NEO_ENTRA_CLIENT_IDS", ""),
        ("NEO_ENTRA_CLIENT_IDS", " , "),
        ("NEO_ENTRA_CLIENT_IDS", f"{CLIENT_ID};{AUDIENCE}"),
        ("NEO_ENTRA_METADATA_URL", "http://login.microsoftonline.com/common/v2.0"),
        ("NEO_ENTRA_METADATA_URL", "http://127.0.0.1.example.com/"),
        ("NEO_ENTRA_METADATA_URL", "http://localhost@example.com/"),
        ("NEO_ENTRA_METADATA_URL", "file:///etc/passwd"),
        ("NEO_ENTRA_METADATA_URL", "https://"),
        ("NEO_ENTRA_METADATA_URL", "https://[::1"),
        ("NEO_ENTRA_JWKS_URL", "http://10.0.0.1/keys"),
    ],
)
def test_what_is_not_safe_is_refused_by_name(
    environment: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    environment.setenv("NEO_ENTRA_AUDIENCE", str(AUDIENCE))
    environment.setenv("NEO_ENTRA_CLIENT_IDS", str(CLIENT_ID))
    environment.setenv(variable, value)

    with pytest.raises(NotConfigured, match=variable):
        entra_verifier(read_settings())


@pytest.mark.parametrize("url", ["http://127.0.0.1:8610/m", "http://localhost/m", "http://[::1]:1/m"])
def test_this_machine_needs_no_tls(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("NEO_ENTRA_AUDIENCE", str(AUDIENCE))
    environment.setenv("NEO_ENTRA_CLIENT_IDS", str(CLIENT_ID))
    environment.setenv("NEO_ENTRA_METADATA_URL", url)
    environment.setenv("NEO_ENTRA_JWKS_URL", url)

    assert entra_verifier(read_settings()) is not None
