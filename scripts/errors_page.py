# ruff: noqa: INP001 - a script, not a package.
"""Writes `docs/errors.md` from the failures themselves: `make snapshots`."""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import neo
from neo.api.errors import STATUSES
from neo.errors import Edge, Failure
from neo.turns.errors import TURN_LOST, TURN_TIMED_OUT

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
# To import these is to run them, or to migrate.
NOT_IMPORTED = ("neo.__main__", "neo.db.migrations")

HEAD = """\
# Errors

Every error of the API looks like this:

```json
{
  "error": {"code": "session_not_found", "message": "No such chat session."},
  "meta": {"request_id": "4b6fb6a5-6c26-4b3f-9a55-6f3b5bd8e0c1"}
}
```

Branch on `error.code`: codes do not change, messages may. `error.details` is there when it helps; `details.fields`
names the fields at fault and what is wrong with each. `meta.request_id` is also the header `X-Request-Id` and is
in the server's log: quote it when you report a problem. Another tenant's resource is `404`, as if it did not
exist.

Do not repeat a request that got a 4xx, except `429` (wait for `Retry-After`). Repeat after a 5xx or a lost
connection with growing waits; a message carries a `client_message_id`, so that repeating it is safe.

This page is made from the code by `make snapshots`.
"""
TURNS_HEAD = """
## How a turn fails

A turn that failed ends its stream with one `error` chunk whose `errorText` is `<code>: <message>`. The same code
and message are in `error` of `GET .../turns/{turn_id}`. Every message may be shown to an end user. A failed turn
keeps what it had settled before (what the model said up to its last round of calls, and the calls), and the session
takes the next message as before. "Tried again" is what the server has done already: a provider is asked three times
in all.
"""
COMMANDS_HEAD = """
## What the command line refuses

`neo` prints the message on one line and ends with exit code 1.
"""
LOG_HEAD = """
## What stays inside

These are handled where they happen and are seen in logs only.
"""


@dataclass(frozen=True)
class Entry:
    code: str
    meaning: str
    remedy: str
    edges: tuple[Edge, ...]
    status: int = 500
    is_tried_again: bool = False

    @classmethod
    def of(cls, failure: type[Failure]) -> "Entry":
        return cls(
            failure.code,
            meaning=" ".join(inspect.cleandoc(failure.__doc__ or "").split()),
            remedy=getattr(failure, "remedy", ""),
            edges=failure.edges,
            status=STATUSES[failure.kind],
            is_tried_again=getattr(failure, "retryable", False),
        )

    def cells(self) -> dict[str, str]:
        return {
            "status": str(self.status),
            "meaning": self.meaning,
            "what to do": self.remedy,
            "tried again": "yes" if self.is_tried_again else "no",
        }


# What nobody raises: it is noticed where nothing more can be caught.
WITHOUT_CLASS = (
    Entry("internal_error", "A fault of ours.", "Try again later; report the request id.", (Edge.API,)),
    Entry(TURN_TIMED_OUT, "The answer took more than ten minutes.", "Ask for less at once.", (Edge.TURN,)),
    Entry(
        TURN_LOST,
        "The turn was begun too often and never came to an end: the worker or an engine failed each time.",
        "Send the message again; the operator finds the reason in the worker's log.",
        (Edge.TURN,),
        is_tried_again=True,
    ),
)


def failures() -> list[type[Failure]]:
    """Each failure of Neo that has a code of its own."""
    for module in pkgutil.walk_packages(neo.__path__, "neo."):
        if not module.name.startswith(NOT_IMPORTED):
            importlib.import_module(module.name)
    return [one for one in _below(Failure) if "code" in vars(one) and one.__module__.startswith("neo.")]


def _below(parent: type[Failure]) -> Iterator[type[Failure]]:
    for child in parent.__subclasses__():
        yield child
        yield from _below(child)


def entries() -> list[Entry]:
    """The catalogue. What two classes say alike, because they share a code, is one entry."""
    found = {*map(Entry.of, failures()), *WITHOUT_CLASS}
    return sorted(found, key=lambda entry: entry.code)


def page() -> str:
    return (
        HEAD
        + "\n## What the API answers\n"
        + _table(Edge.API, "status", "meaning", "what to do")
        + TURNS_HEAD
        + _table(Edge.TURN, "meaning", "what to do", "tried again")
        + COMMANDS_HEAD
        + _table(Edge.COMMAND_LINE, "meaning", "what to do")
        + LOG_HEAD
        + _table(Edge.LOG, "meaning")
    )


def _table(edge: Edge, *columns: str) -> str:
    found = [one for one in entries() if edge in one.edges]
    if "status" in columns:
        found.sort(key=lambda entry: entry.status)
    return f"\n| code | {' | '.join(columns)} |\n{'|---' * (len(columns) + 1)}|\n" + "".join(
        f"| `{one.code}` | {' | '.join(one.cells()[column] for column in columns)} |\n" for one in found
    )


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote docs/{PAGE.name}", file=sys.stderr)  # noqa: T201 - a script speaks to its terminal.


if __name__ == "__main__":
    main()
