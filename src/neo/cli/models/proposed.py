"""The lines of the operator's file that are proposed for a model."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from neo.kit import as_digits

# A bare key of TOML; any other name needs quotes.
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_NAME_CHARACTERS_MAX = 64


def name_for(model: str) -> str:
    """A name that the file takes, from what the server calls the model."""
    last = model.replace("\\", "/").rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip("-._")[:_NAME_CHARACTERS_MAX] or "model"


def table(name: str, said: Mapping[str, Any]) -> str:
    from neo.llm.model_list.fields import KEYS  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    head = name if _BARE.fullmatch(name) else json.dumps(name)
    return "\n".join(
        [f"[models.{head}]", *(f"{key} = {_written(said[key])}" for key in KEYS if said.get(key) is not None)]
    )


def _written(value: Any) -> str:
    from neo.llm import Price  # noqa: PLC0415

    match value:
        case Price():
            prices = (("input", value.input), ("cached", value.cached), ("output", value.output))
            return (
                "{ " + ", ".join(f"{key} = {as_digits(one)}" for key, one in prices if one is not None) + " }"
            )
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case _:
            return json.dumps(str(value), ensure_ascii=False)
