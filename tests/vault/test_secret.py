"""A secret shows itself to nobody who does not ask for it by name."""

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json
from structlog.processors import JSONRenderer

from neo.vault import Secret

CANARY = "canary-7f1a"


class Held(BaseModel):
    token: Secret


SECRET = Secret(CANARY)
HELD = Held(token=SECRET)
SHOWN: dict[str, Callable[[], Any]] = {
    "str": lambda: str(SECRET),
    "repr": lambda: repr(SECRET),
    "f-string": lambda: f"{SECRET} {SECRET!r} {SECRET!s:>5}",
    "format": lambda: f"{SECRET:>10}",
    "percent": lambda: "%s %r" % (SECRET, SECRET),  # noqa: UP031
    "in a list": lambda: repr([SECRET, {"a": SECRET}]),
    "as a log line": lambda: JSONRenderer()(None, "info", {"token": SECRET}),
    "json by str": lambda: json.dumps({"a": SECRET}, default=str),
    "orjson by str": lambda: orjson.dumps({"a": SECRET}, default=str).decode(),
    "pydantic's json": HELD.model_dump_json,
    "pydantic's repr": lambda: repr(HELD),
    "pydantic's dump": lambda: str(HELD.model_dump()) + str(HELD.model_dump(mode="json")),
    "pydantic's to_json": lambda: to_json(HELD).decode(),
    "pydantic's copy": lambda: repr(HELD.model_copy(deep=True)),
    "a copy": lambda: repr([copy.copy(SECRET), copy.deepcopy(SECRET)]),
}


@pytest.mark.parametrize("how", SHOWN)
def test_it_is_shown_as_stars(how: str) -> None:
    shown = SHOWN[how]()

    assert "***" in shown
    assert CANARY not in shown


@pytest.mark.parametrize(
    "written",
    [pickle.dumps, json.dumps, orjson.dumps, hash, iter, len, list, vars, bytes, lambda one: one + ""],
)
def test_it_is_refused(written: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as refused:
        written(SECRET)

    assert CANARY not in "".join(traceback.format_exception(refused.value))


def test_it_is_read_by_asking_for_it() -> None:
    given = TypeAdapter(Held).validate_json(f'{{"token": "{CANARY}"}}')

    assert given.token.reveal() == CANARY
    assert given.token == SECRET
    assert given.token != Secret("another")
    assert SECRET.hidden_in(f"Incorrect key: {CANARY}.") == "Incorrect key: ***."


@pytest.mark.parametrize("spell", [str, json.dumps, repr, lambda value: quote(value, safe="")])
def test_it_is_hidden_however_a_stranger_spells_it(spell: Callable[[str], str]) -> None:
    value = 'p%40ss "w/o\\rd'

    assert Secret(value).hidden_in(f"a {spell(value)} b").replace('"', "").replace("'", "") == "a *** b"
    assert Secret("%20").hidden_in("a b %20") == "a b ***"


@pytest.mark.parametrize(
    "value", ["", f"{CANARY}\n", f"{CANARY}\r\nX: y", f"{CANARY}\x00", f"{CANARY}\u00e9", f"{CANARY}\ud800"]
)
def test_what_no_header_takes_is_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(ValueError, match="one line of printable ASCII") as refused:
        Secret(value)

    assert CANARY not in str(refused.value)


def test_its_schema_says_that_it_is_written_only() -> None:
    schema = Held.model_json_schema()

    assert schema["properties"]["token"] == {
        "type": "string",
        "format": "password",
        "writeOnly": True,
        "title": "Token",
    }
