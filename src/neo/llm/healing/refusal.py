"""What a provider refused, where the same message may be accepted once something else is sent with it."""

from dataclasses import dataclass
from enum import Enum, auto


class About(Enum):
    LENGTH = auto()
    """Prompt and answer do not fit into the model's window."""
    ANSWER_LIMIT = auto()
    """The limit of the answer is larger than the model's."""
    ANSWER_LIMIT_NAME = auto()
    IMAGES = auto()
    ONE_IMAGE = auto()
    """It cannot use one of the images, which says nothing of others."""
    IMAGE_COUNT = auto()
    """It sees images, but not as many in one prompt."""
    SYSTEM_ROLE = auto()
    STREAM_OPTIONS = auto()
    REASONING_EFFORT = auto()
    TOOLS = auto()
    """It takes no tools."""
    TOOL_SCHEMA = auto()
    """It does not know all of what describes a tool's arguments."""
    CALLS = auto()
    """It does not take earlier calls and outcomes as they are, so they are told as text."""
    CARRIED = auto()
    """It does not take back what it gave with its calls."""
    ROLES = auto()
    """It takes the user's role and the assistant's alone, so the system's was refused, or the tools'."""
    PLAIN_TEXT = auto()
    """It takes a content as a text alone, so images were refused, or a call without a text."""
    STORE = auto()
    """It keeps no responses."""
    UNEXPLAINED = auto()
    """In words that are not known. They may be about the length."""


@dataclass(frozen=True, slots=True)
class Refusal:
    about: About
    tokens_max: int | None = None
    """The window or the answer's limit, if the provider says it."""
    prompt_tokens: int | None = None
    """How long the prompt is by the provider's own count, if it says so."""
