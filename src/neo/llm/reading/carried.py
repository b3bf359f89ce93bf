"""What a provider gives with a call and demands back when the call is told to it again: signatures of thoughts, or the
thoughts themselves. Nobody else reads it, and only the model that gave it gets it back.
"""

import json
from collections.abc import Mapping
from typing import Any

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import ToolCall
from neo.llm.prompt import Round
from neo.llm.reading.calls import arguments_of


def carried(chosen: ChosenModel, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """As it is kept with the call; None where nothing was given."""
    found = {name: value for name, value in given.items() if value}
    storable = arguments_of(json.dumps(found)) if found else None
    return {"by": _by(chosen), **storable} if isinstance(storable, dict) else None


def given_back(call: ToolCall, chosen: ChosenModel) -> Mapping[str, Any]:
    """What this model gave with the call; nothing where another one made it."""
    kept = call.carried
    is_its = kept is not None and chosen.traits.carries and kept.get("by") == _by(chosen)
    return kept if kept is not None and is_its else {}


def is_own(one: Round, chosen: ChosenModel) -> bool:
    """Whether the model gave something with the round. Of several calls the first has it."""
    return bool(given_back(one.calls[0], chosen))


def _by(chosen: ChosenModel) -> list[str]:
    return [str(chosen.dialect), chosen.name]
