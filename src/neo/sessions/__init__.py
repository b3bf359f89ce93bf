"""Sessions: one person, one agent, one transcript.

A session keeps its messages in the order of its turns, and where the model's provider left off, so that the
next turn can go on from there. An archived session takes no more messages.
"""

from neo.sessions.models import ChatMessage, ChatSession, Role
from neo.sessions.store import MessageStore, SessionNotFound, SessionStore, message_position
from neo.sessions.title import title_of

__all__ = [
    "ChatMessage",
    "ChatSession",
    "MessageStore",
    "Role",
    "SessionNotFound",
    "SessionStore",
    "message_position",
    "title_of",
]
