"""What a model is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that comes with a message, with what its sender calls it and says of it."""

    mime: str
    data: bytes = field(repr=False)
    filename: str | None = None
    alt: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    role: Literal["user", "assistant"]
    text: str
    images: Sequence[Image] = ()

    @property
    def is_empty(self) -> bool:
        """As an answer may be; some providers refuse an empty message."""
        return not self.text and not self.images


@dataclass(frozen=True, slots=True)
class Prompt:
    instructions: str
    transcript: Sequence[Said]
    message: str
    images: Sequence[Image] = ()
