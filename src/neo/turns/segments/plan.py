"""The calls that a model asked for, as rows: what each would do, and what stands before it."""

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

import orjson

from neo.llm import ChosenModel, Provider, ToolCall, arguments_of

# 128 random bits, as 22 characters.
CALL_ID_BYTES = 16
# Names that the scripted model's calls may have: one waits for a decision, one runs apart.
GATED = "gated"
APART = "apart"


def plan_calls(calls: Iterable[ToolCall], chosen: ChosenModel) -> list[dict[str, Any]]:
    is_scripted = chosen.provider == Provider.SCRIPTED
    return [_planned(call, position, is_scripted=is_scripted) for position, call in enumerate(calls, 1)]


def _planned(call: ToolCall, position: int, *, is_scripted: bool) -> dict[str, Any]:
    arguments = arguments_of(call.arguments_json)
    canonical = orjson.dumps([call.name, arguments], option=orjson.OPT_SORT_KEYS)
    return {
        "id": f"call_{secrets.token_urlsafe(CALL_ID_BYTES)}",
        "position": position,
        "provider_call_id": call.call_id,
        "name": call.name,
        "arguments": arguments,
        "digest": hashlib.sha256(canonical).hexdigest(),
        "gate": "APPROVAL" if is_scripted and call.name == GATED else "AUTO",
        "runs_apart": is_scripted and call.name == APART,
    }
