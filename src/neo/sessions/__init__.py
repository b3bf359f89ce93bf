"""Sessions: one person, one agent, one transcript.

A session keeps its messages in the order of its turns, and where the model's provider left off, so that the
next turn can go on from there. An archived session takes no more messages. Who sees it is decided in one place
(`visible.py`), and what a reader learns of who asked in another (`authors.py`). An end user's token opens one session
and is on record here.
"""

from neo.sessions.authors import AuthorStore, ShownAuthor
from neo.sessions.models import ChatMessage, ChatSession, Role, title_of
from neo.sessions.store import MessageStore, SessionNotFound, SessionStore
from neo.sessions.tokens import (
    SessionToken,
    SessionTokenNotFound,
    SessionTokenStore,
    TokenFilter,
    no_such_token,
)
from neo.sessions.visible import check_readable, check_writable, is_readable

__all__ = [
    "AuthorStore",
    "ChatMessage",
    "ChatSession",
    "MessageStore",
    "Role",
    "SessionNotFound",
    "SessionStore",
    "SessionToken",
    "SessionTokenNotFound",
    "SessionTokenStore",
    "ShownAuthor",
    "TokenFilter",
    "check_readable",
    "check_writable",
    "is_readable",
    "no_such_token",
    "title_of",
]
