"""What a caller does: open a session, post a message, read it again, cancel, archive.

Each use case opens its own transaction with the caller's tenant, so another tenant's session is simply not
there. A posted message is answered `202` once it is stored with its turn; nothing after that can lose it.
"""

from neo.chat.cancel import Canceller
from neo.chat.dependencies import Desks
from neo.chat.history import Reader
from neo.chat.open import SessionDesk
from neo.chat.open_relayed import RelayDesk
from neo.chat.posting.retry import Retried, Retrier
from neo.chat.posting.session_access import SessionAccesses
from neo.chat.posting.submit import QueueBounds, TurnDesk
from neo.chat.routes import router
from neo.chat.scripted_door import scripted_door
from neo.chat.stop_routes import stop_router
from neo.chat.tokens.mint import TokenDesk
from neo.chat.tokens.routes import token_router
from neo.chat.uploads.grant import UploadDesk, UploadQuota
from neo.chat.uploads.routes import upload_router

__all__ = [
    "Canceller",
    "Desks",
    "QueueBounds",
    "Reader",
    "RelayDesk",
    "Retried",
    "Retrier",
    "SessionAccesses",
    "SessionDesk",
    "TokenDesk",
    "TurnDesk",
    "UploadDesk",
    "UploadQuota",
    "router",
    "scripted_door",
    "stop_router",
    "token_router",
    "upload_router",
]
