"""API keys: what is well-formed, and what is stored of one."""

from collections.abc import Callable

import pytest

from neo.access import KeyFormat, Pepper, new_key


def test_c2_a_new_key_is_wellformed_in_its_environment_only() -> None:
    key = new_key("local")

    assert KeyFormat("local").is_wellformed(key)
    assert not KeyFormat("live").is_wellformed(key)
    assert len(key) == len("neo_sk_local_") + 49


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: key[:-1] + ("0" if key[-1] != "0" else "1"),
        lambda key: key[:20] + ("0" if key[20] != "0" else "1") + key[21:],
        str.upper,
        lambda key: key.replace("neo_sk", "neo_pk"),
        lambda key: key + "\n",
        lambda _: "",
        lambda key: key[:-1] + "é",
    ],
)
def test_c1_a_mistyped_key_is_told_without_a_query(spoil: Callable[[str], str]) -> None:
    assert not KeyFormat("local").is_wellformed(spoil(new_key("local")))


def test_during_rotation_the_first_secret_writes_and_both_read() -> None:
    key = new_key("local")
    old, both = Pepper(("old",)), Pepper(("new", "old"))

    assert both.digest(key) != old.digest(key)
    assert old.digest(key) in both.digests(key)
    assert key.encode() not in both.digest(key)
