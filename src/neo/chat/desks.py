from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from neo.chat.archive import Archivist
from neo.chat.cancel import Canceller
from neo.chat.history import Reader
from neo.chat.open import SessionDesk
from neo.chat.posting.submit import TurnDesk
from neo.chat.tokens.mint import TokenDesk
from neo.chat.uploads.grant import UploadDesk
from neo.tails import Tails


@dataclass(frozen=True)
class Desks:
    """Everything that a Chat route may ask; `app.state.desks`."""

    sessions: SessionDesk
    turns: TurnDesk
    reader: Reader
    archivist: Archivist
    canceller: Canceller
    tails: Tails
    tokens: TokenDesk
    uploads: UploadDesk


# Dependencies are coroutines: the framework would run a plain function in a thread of its own.
async def desks_of(request: Request) -> Desks:
    desks: Desks = request.app.state.desks
    return desks


Desk = Annotated[Desks, Depends(desks_of)]
