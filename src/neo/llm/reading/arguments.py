"""The arguments of one call, however they come: in pieces, whole, or again and again."""

import json
from typing import Any

import orjson

from neo.llm.reading.event import UnreadableError
from neo.llm.reading.texts import storable


class Arguments:
    """Some servers announce arguments with an empty object, send them whole behind their pieces, or send with each
    piece all that came before. What was heard is taken for one JSON object, so that such a repetition is none of it.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._has_grown = True

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, piece: str) -> None:
        if piece.lstrip().startswith("{") and self.are_whole():
            if is_empty(piece):
                return
            self._begin_anew()
        if not piece:
            return
        if self._pieces and self._has_grown:
            self._has_grown = piece.startswith(self._pieces[-1])
        self._pieces.append(piece)

    def settle(self, whole: str) -> None:
        """Takes them all at once, in place of what has come. An empty object takes nothing back."""
        if whole.strip() and not (self._pieces and is_empty(whole)):
            self._begin_anew()
            self._pieces.append(whole)

    def are_whole(self) -> bool:
        """Whether nothing can be missing."""
        return bool(self._pieces) and self._pieces[-1].rstrip().endswith("}") and is_json_object(self.text)

    @property
    def text(self) -> str:
        """With the halves joined where an emoji was cut in two."""
        joined = storable("".join(self._pieces))
        if len(self._pieces) > 1 and self._has_grown and not is_json_object(joined):
            return storable(self._pieces[-1])
        return joined

    def _begin_anew(self) -> None:
        self._pieces.clear()
        self._has_grown = True


def arguments_in(parent: dict[str, Any], key: str) -> str:
    """The arguments of a call, which some servers send as the object that they are. An empty one may only announce that
    they follow.
    """
    value = parent.get(key)
    if not value or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError as error:
        raise UnreadableError("The arguments of a call are nested too deep.") from error


def is_json_object(arguments: str) -> bool:
    """Whether these are the whole arguments of a call; those of one that was cut off are no JSON."""
    return isinstance(_read(arguments), dict)


def is_empty(arguments: str) -> bool:
    """Whether these are an object without anything in it."""
    return "".join(arguments.split()) == "{}"


def are_same(one: str, other: str) -> bool:
    """Whether both say the same, however they are written."""
    return one == other or (is_json_object(one) and _read(one) == _read(other))


def _read(arguments: str) -> Any:
    try:
        # A character may have come in two halves, which orjson refuses.
        return orjson.loads(storable(arguments))
    except orjson.JSONDecodeError:
        return None
