"""The journeys against a server that runs already: NEO_TEST_URL and NEO_TEST_API_KEY, a service account's.

Its FAST model must be `scripted:tokens=5`, and NEO_RATE_LIMIT_REQUESTS=0. Tests take part that are marked `by_address`
and use nothing but the public API.
"""

import inspect
import os

import pytest

GIVEN_URL = os.environ.get("NEO_TEST_URL", "").rstrip("/")
GIVEN_KEY = os.environ.get("NEO_TEST_API_KEY", "")
# What reaches into a server's database, its identity provider, its model or its folder.
INSIDES = {"rows", "people", "scripted"}


def leave_out_what_needs_more(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("by_address") is None:
            item.add_marker(pytest.mark.skip(reason="not marked by_address"))
        elif _looks_inside(item):
            item.add_marker(pytest.mark.skip(reason="looks into the server"))


def _looks_inside(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    asked = set(inspect.signature(item.function).parameters)
    return bool(INSIDES & set(item.fixturenames)) or "server" in asked
