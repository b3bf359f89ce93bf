"""A secret in memory: it shows itself to nobody who does not ask for it by name."""

import hmac
from collections.abc import Callable
from typing import Any, NoReturn, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from neo.kit import hide_lately, without

HIDDEN = "***"


class Secret:
    """Text that is `***` wherever it is printed, formatted or put into an answer, and that cannot be pickled.

    `reveal` is the one way to read it: whoever looks for where secrets are used looks for that word.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not value or not value.isascii() or not value.isprintable():
            # What a header or a form takes; and what is refused is not quoted.
            raise ValueError("A secret is one line of printable ASCII.")
        self._value = value
        hide_lately(value)

    def reveal(self) -> str:
        return self._value

    def hidden_in(self, text: str) -> str:
        """The text without this secret, for the words of a stranger that may quote what was sent to them."""
        return without(text, [self._value])

    def __str__(self) -> str:
        return HIDDEN

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    # As a key of a mapping it would say, by its hash, what it is.
    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("A secret is not pickled: seal it.")

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        made: Callable[[Any], Secret] = cls
        from_text = core_schema.no_info_after_validator_function(made, core_schema.str_schema())
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), from_text]),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "password", "writeOnly": True}
