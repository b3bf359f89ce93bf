"""What chat routes depend on: who is calling, the ids of the path, and the use cases."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote
from uuid import UUID

import structlog
from fastapi import Depends
from starlette.requests import Request

from neo.access import Gate, Principal, Right, check_right
from neo.chat.cancel import Canceller
from neo.chat.errors import EndUserInvalid
from neo.chat.history import Reader
from neo.chat.open import SessionDesk
from neo.chat.open_relayed import RelayDesk
from neo.chat.posting.submit import TurnDesk
from neo.chat.tokens.mint import TokenDesk
from neo.chat.uploads.grant import UploadDesk
from neo.kit import find_guid
from neo.sessions import SessionNotFound
from neo.tails import Tails
from neo.telemetry import process_metrics
from neo.turns.errors import TurnNotFound


@dataclass(frozen=True)
class Desks:
    """Everything that a Chat route may ask; `app.state.desks`."""

    sessions: SessionDesk
    relayed: RelayDesk
    turns: TurnDesk
    reader: Reader
    canceller: Canceller
    tails: Tails
    tokens: TokenDesk
    uploads: UploadDesk


# Dependencies are coroutines: the framework would run a plain function in a thread of its own.
async def desks_of(request: Request) -> Desks:
    desks: Desks = request.app.state.desks
    return desks


def session_caller(right: Right) -> Callable[[Request, str], Coroutine[Any, Any, Principal]]:
    """A dependency: the caller, acting for the session's tenant, which is charged. A platform account acts only
    for tenants of sessions that it opened.
    """

    async def known_caller(request: Request, session_id: str) -> Principal:
        gate: Gate = request.app.state.gate
        caller = await gate.authenticate(request)
        wanted = find_guid(session_id)
        if wanted is not None:
            structlog.contextvars.bind_contextvars(session_id=session_id)
        acting = await gate.acting(request, caller, wanted) if wanted is not None else None
        await gate.charge(request, acting or caller)
        check_right(caller, right)
        is_anothers = caller.session_id is not None and caller.session_id != wanted
        if is_anothers:
            process_metrics.cross_tenant_denied.labels("session_token").inc()
        if acting is None or is_anothers:
            raise SessionNotFound("No such chat session.")
        return acting

    return known_caller


def charged_later(right: Right) -> Callable[[Request], Coroutine[Any, Any, Principal]]:
    """A dependency: whoever may do this. The platform's request is charged once it is known for which tenant."""

    async def known_caller(request: Request) -> Principal:
        gate: Gate = request.app.state.gate
        caller = await gate.authenticate(request)
        if not caller.is_platform:
            await gate.charge(request, caller)
        check_right(caller, right)
        return caller

    return known_caller


def spoken_for(request: Request) -> tuple[str | None, str | None]:
    """The end user's name and address, as a relay's headers have them."""
    found = [request.headers.get(name) for name in ("x-neo-end-user", "x-neo-end-user-email")]
    try:
        name, email = (unquote(value, errors="strict") if value else None for value in found)
    except UnicodeDecodeError as error:
        raise EndUserInvalid(
            "`X-Neo-End-User` and `X-Neo-End-User-Email` are percent-encoded UTF-8."
        ) from error
    return name, email


async def known_session_id(session_id: str) -> UUID:
    if (found := find_guid(session_id)) is None:
        raise SessionNotFound("No such chat session.")
    return found


async def known_turn_id(turn_id: str) -> UUID:
    if (found := find_guid(turn_id)) is None:
        raise TurnNotFound("No such turn in this session.")
    return found


Desk = Annotated[Desks, Depends(desks_of)]
Opener = Annotated[Principal, Depends(charged_later(Right.OPEN_SESSION))]
SessionId = Annotated[UUID, Depends(known_session_id)]
TurnId = Annotated[UUID, Depends(known_turn_id)]
SessionReader = Annotated[Principal, Depends(session_caller(Right.READ_SESSION))]
TurnReader = Annotated[Principal, Depends(session_caller(Right.READ_TURN))]
Talker = Annotated[Principal, Depends(session_caller(Right.TALK))]
TurnStopper = Annotated[Principal, Depends(session_caller(Right.STOP_TURN))]
SessionCloser = Annotated[Principal, Depends(session_caller(Right.CLOSE_SESSION))]
