"""What a caller does: open a session, post a message, tail the answer, read it again, archive.

Each use case opens its own transaction with the caller's tenant, so another tenant's session is simply not
there. A posted message is answered `202` once it is stored with its turn; nothing after that can lose it.
"""

from neo.chat.archive import Archivist
from neo.chat.cancel import Canceller
from neo.chat.desks import Desks
from neo.chat.history import Reader
from neo.chat.open import SessionDesk
from neo.chat.routes import router
from neo.chat.standing import Standings
from neo.chat.stop_routes import stop_router
from neo.chat.submit import TurnDesk
from neo.chat.tail import OpenTails, TailPace
from neo.chat.token_routes import token_router
from neo.chat.tokens import TokenDesk
from neo.chat.upload import UploadDesk, UploadQuota
from neo.chat.upload_routes import upload_router
from neo.chat.watch import Tails

__all__ = [
    "Archivist",
    "Canceller",
    "Desks",
    "OpenTails",
    "Reader",
    "SessionDesk",
    "Standings",
    "TailPace",
    "Tails",
    "TokenDesk",
    "TurnDesk",
    "UploadDesk",
    "UploadQuota",
    "router",
    "stop_router",
    "token_router",
    "upload_router",
]
