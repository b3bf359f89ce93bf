"""Field types that many bodies use, and helpers for partial updates."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from neo.kit import find_guid, is_one_line

# Names are shown in one line of a list.
NAME_CHARACTERS_MAX = 200
# A few paragraphs, to be read by people.
TEXT_CHARACTERS_MAX = 2_000
# Browsers and proxies accept URLs of this length.
URL_CHARACTERS_MAX = 2_000
# A long system prompt.
INSTRUCTIONS_CHARACTERS_MAX = 100_000

# No user name: `https://neo.example@evil.example/` is read wrongly by people.
HTTPS_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][!-~]*)?")
ALLOWED_CONTROLS = "\r\n\t"


def left_alone(description: str | None = None) -> Any:
    """A field of a partial update that may be absent, which leaves it unchanged, but not null."""
    return Field(default_factory=_nothing, description=description)


def free_of(problem_in: Callable[[str], str | None]) -> AfterValidator:
    """For a field whose text is refused where something is wrong with it, in words that say what."""

    def check(value: str) -> str:
        if (problem := problem_in(value)) is not None:
            raise PydanticCustomError("text", "{problem}", {"problem": problem})
        return value

    return AfterValidator(check)


def changes_of(update: BaseModel, *, apart: frozenset[str] = frozenset({"version"})) -> dict[str, Any]:
    """The fields that a partial update contains, except those in `apart`."""
    sent = update.model_fields_set.intersection(type(update).model_fields)
    return {name: getattr(update, name) for name in sent - apart}


def _nothing() -> None:
    return None


def _guid(value: object) -> UUID:
    found = find_guid(value)
    if found is None:
        raise PydanticCustomError("guid", "is not a GUID such as 1b4e28ba-2fa1-11d2-883f-0016d3cca427")
    return found


def _https_url(value: str) -> str:
    if not HTTPS_URL.fullmatch(value):
        raise PydanticCustomError("https_url", "is not an https URL in ASCII, without a user name")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError("moment", "is out of range") from error


def _without_controls(value: str) -> str:
    if any(unicodedata.category(one) == "Cc" and one not in ALLOWED_CONTROLS for one in value):
        raise PydanticCustomError("control_character", "contains a control character")
    return value


def _in_one_line(value: str) -> str:
    if not is_one_line(value):
        raise PydanticCustomError(
            "one_line", "contains a control character, a line end or a change of direction"
        )
    return value


def _visible(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("blank", "is blank")
    return value


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=NAME_CHARACTERS_MAX),
    AfterValidator(_in_one_line),
    AfterValidator(_visible),
]
# A name of another length; it may be blank.
Line = Annotated[str, AfterValidator(_in_one_line)]
Text = Annotated[str, StringConstraints(max_length=TEXT_CHARACTERS_MAX), AfterValidator(_without_controls)]
Instructions = Annotated[str, StringConstraints(max_length=INSTRUCTIONS_CHARACTERS_MAX)]
HttpsUrl = Annotated[str, StringConstraints(max_length=URL_CHARACTERS_MAX), AfterValidator(_https_url)]
Guid = Annotated[UUID, BeforeValidator(_guid)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
