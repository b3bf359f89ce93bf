"""Checks on what a provider sends, in whatever dialect: its length, its characters, its numbers."""

from typing import Any

import orjson

from neo.llm.errors import AnswerTooLong

# Several times the longest answer of any model: beyond it the provider is broken, and memory is at stake.
ANSWER_CHARACTERS_MAX = 1_000_000

# Ids and names have some dozens of characters; anything longer is not one.
_NAME_CHARACTERS_MAX = 500
# Deeper than what any tool takes, and than what JSON can be written and stored from.
_ARGUMENTS_DEPTH_MAX = 64
# The largest number in PostgreSQL's integer.
_COUNT_MAX = 2**31 - 1


class AnswerLength:
    """Adds up the length of an answer; raises `AnswerTooLong` beyond the limit."""

    def __init__(self) -> None:
        self._characters = 0

    def add(self, *texts: str) -> None:
        self._characters += sum(map(len, texts))
        if self._characters > ANSWER_CHARACTERS_MAX:
            raise AnswerTooLong


def storable(text: str) -> str:
    """The text as every store and protocol accepts it: without NUL and without half of a surrogate pair."""
    text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class Joined:
    """Text in deltas. A delta that ends with the first half of a surrogate pair gives it to the next, which has the
    other half: some servers cut an emoji in two.
    """

    def __init__(self) -> None:
        self._half = ""

    def add(self, text: str) -> str:
        if self._half:
            text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return storable(text)

    def taken_half(self) -> str:
        """The first half that waits for the other one, if there is one, which is from now on another text's."""
        half, self._half = self._half, ""
        return half

    def rest(self) -> str:
        """What is left over when the text ends."""
        return storable(self.taken_half())


def short_name(name: object) -> str | None:
    if isinstance(name, str) and 0 < len(name) <= _NAME_CHARACTERS_MAX:
        return storable(name)
    return None


def count(number: object) -> int:
    """A number of tokens, at most what is stored; 0 if it is not one. Some servers send its digits as a text."""
    if isinstance(number, str):
        number = float(number) if number.replace(".", "", 1).isdecimal() else 0
    # Not-a-number is not more than 0. An integer may be longer than any float.
    if not isinstance(number, int | float) or not number > 0:
        return 0
    return int(min(number, _COUNT_MAX))


def is_json_object(arguments: str) -> bool:
    """Whether these are the whole arguments of a call; those of one that was cut off are no JSON."""
    try:
        # A character may have come in two halves, which orjson refuses.
        return isinstance(orjson.loads(storable(arguments)), dict)
    except orjson.JSONDecodeError:
        return False


def arguments_of(arguments_json: str) -> Any:
    """The arguments of a call, as JSON that can be stored; as the text that they came in where they cannot be read, or
    are nested too deep.
    """
    try:
        return _storable_value(orjson.loads(arguments_json), _ARGUMENTS_DEPTH_MAX)
    except (orjson.JSONDecodeError, RecursionError):
        return storable(arguments_json)


def _storable_value(value: Any, depth: int) -> Any:
    """Escapes have become characters only now."""
    if isinstance(value, str):
        return storable(value)
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        raise RecursionError
    if isinstance(value, list):
        return [_storable_value(one, depth - 1) for one in value]
    return {storable(name): _storable_value(one, depth - 1) for name, one in value.items()}
