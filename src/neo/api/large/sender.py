"""Whose a request is, for what requests of one tenant wait for each other."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request

SENDER = "neo.sender"


def _whole(most: int) -> int:
    return most


@dataclass(frozen=True, slots=True)
class Sender:
    tenant_id: UUID
    # How many there may be when this caller asks for one more, of so many that the tenant has.
    most_of: Callable[[int], int] = _whole


NOBODY = Sender(UUID(int=0))


def note_sender(request: Request, tenant_id: UUID, most_of: Callable[[int], int]) -> None:
    request.scope[SENDER] = Sender(tenant_id, most_of)


def sender_of(request: Request) -> Sender:
    sender: Sender = request.scope.get(SENDER, NOBODY)
    return sender
