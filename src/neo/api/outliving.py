"""What an answer of long life needs beyond ASGI: our own server knows of it, see `connection.py`."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.types import Scope, Send

CONNECTION = "neo.connection"
REST = "neo.rest"

Rest = Callable[[Send], Awaitable[None]]


class Connection(Protocol):
    """The client's, as a scope has it under `neo.connection`."""

    def abort(self) -> None:
        """Drop it with all that waits on it: a close would wait for a client that takes nothing."""
        ...

    def on_lost(self, tell: Callable[[], None]) -> None:
        """Have the answer told, once, that nobody is there any more. A task that waits for it costs kilobytes."""
        ...


def connection_of(scope: Scope) -> Connection:
    connection: Connection = scope[CONNECTION]
    return connection


def send_later(scope: Scope, rest: Rest) -> None:
    """Have the rest of an answer sent when the frames of routes and middlewares are gone.

    They would live as long as the answer does, and weigh more than all else that it needs.
    """
    scope[REST] = rest


def take_rest(scope: Scope) -> Rest | None:
    rest: Rest | None = scope.pop(REST, None)
    return rest
