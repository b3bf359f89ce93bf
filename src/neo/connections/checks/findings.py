"""What a look at a server has found, as it is stored."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from neo.connections.outcome import Ending, Outcome
from neo.connections.rows.models import Connection, Health
from neo.connections.tools import NAME_CHARACTERS_MAX, Catalogue, ListedTool
from neo.vault import Secret

# A list is looked at again after so long, unless the server says that it stays as it is for longer.
FRESH_SECONDS = 300.0
# A server that is down: doubled with each failure.
DOWN_SECONDS, DOWN_SECONDS_MAX = 30.0, 300.0
# One that does not accept what it is given is not pestered, and yet noticed when it was mended on the other side.
REFUSED_SECONDS = 3600.0
JITTER = 0.1
UNNAMABLE = "Its name is too long, or has characters that cannot be shown."


def found_up() -> dict[str, Any]:
    """Of a server that answers: what else it says is nobody's list."""
    return {
        "health": Health.OK,
        "checked_at": _now(),
        "last_success_at": _now(),
        "failures": 0,
        "due_at": _after(FRESH_SECONDS),
    }


def found_well(catalogue: Catalogue) -> dict[str, Any]:
    return {
        **found_up(),
        "protocol": catalogue.protocol,
        "is_cut": catalogue.is_cut,
        "due_at": _after(max(FRESH_SECONDS, catalogue.fresh_seconds)),
    }


def found_wrong(connection: Connection, outcome: Outcome) -> dict[str, Any]:
    is_refused = outcome.ending is Ending.NEEDS_AUTH
    wait = min(DOWN_SECONDS * 2 ** min(connection.failures, 5), DOWN_SECONDS_MAX)
    return {
        "health": Health.NEEDS_AUTH if is_refused else Health.DOWN,
        "checked_at": _now(),
        "last_error_at": _now(),
        "last_error_code": outcome.code or outcome.ending.value,
        "last_error_message": outcome.detail or "The check failed.",
        "failures": connection.failures + 1,
        "due_at": _after(REFUSED_SECONDS if is_refused else wait),
    }


def lacks_secret() -> dict[str, Any]:
    """Nothing is due: whoever gives the secret has it looked at."""
    return {
        "health": Health.NEEDS_AUTH,
        "last_error_at": _now(),
        "last_error_code": "connection_needs_auth",
        "last_error_message": "The connection has no secret.",
        "due_at": None,
    }


def told_tools(catalogue: Catalogue, secrets: Sequence[Secret] = ()) -> Iterator[dict[str, Any]]:
    """Each tool as it is kept: without what Neo signs in with, whatever the server quotes, and without what PostgreSQL
    does not take.
    """
    for name, tool in {_kept_name(tool, secrets): tool for tool in catalogue.tools}.items():
        told = {
            "title": tool.title,
            "description": tool.description,
            "input_schema": tool.input_schema,
            "hints": dict(tool.hints),
        }
        if tool.operation is not None:
            told |= {"operation": dict(tool.operation), "group": tool.group}
        yield {
            "name": name,
            "listed": _kept(told, secrets),
            "listed_digest": tool.digest,
            "problem": tool.problem or (UNNAMABLE if name != tool.name else None),
        }


def _kept_name(tool: ListedTool, secrets: Sequence[Secret]) -> str:
    return str(_kept(tool.name, secrets))[:NAME_CHARACTERS_MAX]


def _kept(value: Any, secrets: Sequence[Secret]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = secret.hidden_in(value)
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, dict):
        return {_kept(name, secrets): _kept(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_kept(inner, secrets) for inner in value]
    return value


def _after(seconds: float) -> datetime:
    return _now() + timedelta(seconds=seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret.


def _now() -> datetime:
    return datetime.now(UTC)
