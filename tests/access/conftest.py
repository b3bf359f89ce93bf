from collections.abc import Iterator

import pytest

from support.issuer import Issuer, issuer_running


@pytest.fixture(scope="session")
def running_issuer() -> Iterator[Issuer]:
    with issuer_running() as issuer:
        yield issuer


@pytest.fixture
def issuer(running_issuer: Issuer) -> Issuer:
    running_issuer.reset()
    return running_issuer
