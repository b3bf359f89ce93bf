"""The calls that a model asked for, as rows: what each would do, what stands before it, or why it is refused."""

import hashlib
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from neo.calls import texts
from neo.calls.company import other_company, told_schema, with_company, without
from neo.calls.ended import Ended
from neo.calls.repeats import Past, answered_before, key_of, once_each
from neo.connections import Effect, Gate, KeyedBy, Problem, SchemaRefused, problems_of
from neo.llm import ChosenModel, Provider, ToolCall, arguments_of
from neo.toolbox import SEARCH_SCHEMA, SEARCH_TOOLS, OfferedTool, found_tools, is_searched

# 128 random bits, as 22 characters.
CALL_ID_BYTES = 16
# Names that the scripted model's calls may have: one waits for a decision, one runs apart.
GATED = "gated"
APART = "apart"
# What a model writes as a name is anything.
NAME_CHARACTERS_MAX = 200
ARGUMENTS_BYTES_MAX = 64 * 1024
ARGUMENTS_DEPTH_MAX = 32
SEGMENT_CALLS_MAX = 16
TURN_CALLS_MAX = 60
NOT_AN_OBJECT = Problem("", "they are not a JSON object")
TOO_LONG = Problem("", f"they have more than {ARGUMENTS_BYTES_MAX} bytes")
TOO_DEEP = Problem("", f"they are nested deeper than {ARGUMENTS_DEPTH_MAX}")


@dataclass(frozen=True, slots=True)
class Offer:
    """By their names: every tool that may be found, and those that may be called."""

    every: Mapping[str, OfferedTool]
    may_call: Mapping[str, OfferedTool]


def plan_calls(
    calls: Sequence[ToolCall],
    chosen: ChosenModel,
    offered: Sequence[OfferedTool] = (),
    past: Sequence[Past] = (),
    names: Collection[str] | None = None,
) -> list[dict[str, Any]]:
    """`past` are the turn's calls before these, in their order; `names` are those of the tools that may be called, of
    many that are searched.
    """
    by_name = {tool.wire_name: tool for tool in offered}
    may_call = by_name if names is None else {name: by_name[name] for name in names if name in by_name}
    is_scripted = chosen.provider == Provider.SCRIPTED
    planned = [
        _planned(call, position, Offer(by_name, may_call), past, is_scripted=is_scripted)
        for position, call in enumerate(calls, 1)
    ]
    return once_each(planned)


def _planned(
    call: ToolCall,
    position: int,
    offer: Offer,
    past: Sequence[Past],
    *,
    is_scripted: bool,
) -> dict[str, Any]:
    tool = offer.may_call.get(call.name)
    arguments, raw, problem = _read(call.arguments_json)
    if tool is not None and tool.keyed_by is KeyedBy.ARGUMENT:
        arguments.pop(tool.key_argument or "", None)
    other = other_company(tool, arguments) if tool is not None else None
    if tool is not None and other is None:
        arguments = with_company(tool, arguments)
    canonical = orjson.dumps([call.name, raw or arguments], option=orjson.OPT_SORT_KEYS)
    row: dict[str, Any] = {
        "id": f"call_{secrets.token_urlsafe(CALL_ID_BYTES)}",
        "position": position,
        "provider_call_id": call.call_id,
        "name": call.name[:NAME_CHARACTERS_MAX],
        "arguments": arguments,
        "arguments_raw": raw,
        "digest": hashlib.sha256(canonical).hexdigest(),
        "gate": "AUTO",
        "runs_apart": False,
    }
    if tool is None and is_scripted and call.name in (GATED, APART):
        return row | {"gate": "APPROVAL" if call.name == GATED else "AUTO", "runs_apart": call.name == APART}
    if tool is not None:
        row |= _of_tool(tool, row, past)
    if call.name == SEARCH_TOOLS and is_searched(offer.every.values()) and position <= SEGMENT_CALLS_MAX:
        return row | _searched(offer.every, arguments, problem)
    refusal = next(_refusals(row, tool, list(offer.may_call), problem, other, past), None)
    return row if refusal is None else row | _refused_row(refusal)


def _searched(
    offered: Mapping[str, OfferedTool], arguments: dict[str, Any], problem: Problem | None
) -> dict[str, Any]:
    """Neo answers it itself, at once: nothing is sent."""
    problems = [problem] if problem is not None else _problems(SEARCH_SCHEMA, arguments)
    if problems:
        return _refused_row(texts.invalid_arguments(problems))
    return {
        "effect": Effect.READ,
        "outcome": {"output": found_tools(list(offered.values()), arguments["query"])},
    }


def _refused_row(refusal: Ended) -> dict[str, Any]:
    return {"outcome": refusal.outcome, "error_code": refusal.error_code}


def _of_tool(tool: OfferedTool, row: Mapping[str, Any], past: Sequence[Past]) -> dict[str, Any]:
    is_gated = tool.gate is Gate.ALWAYS or (
        tool.gate is Gate.WHEN and may_fit(tool.gate_when or {}, row["arguments"])
    )
    return {
        "gate": "APPROVAL" if is_gated else "AUTO",
        "connection_id": tool.connection_id,
        "tool_name": tool.tool_name,
        "title": tool.title,
        "tool_digest": tool.digest,
        "effect": tool.effect,
        "tier": tool.tier,
        "timeout_seconds": tool.timeout_seconds,
        "keyed_by": tool.keyed_by,
        "key_argument": tool.key_argument,
        "probe_tool": tool.probe_tool,
        "is_untrusted": tool.is_untrusted,
        "key": key_of(row["digest"], tool.effect, past) or row["id"],
    }


def _refusals(
    row: Mapping[str, Any],
    tool: OfferedTool | None,
    offered: Sequence[str],
    problem: Problem | None,
    other: str | None,
    past: Sequence[Past],
) -> Iterator[Ended]:
    if tool is None:
        yield texts.unknown_tool(row["name"], offered)
        return
    if row["position"] > SEGMENT_CALLS_MAX:
        yield texts.too_many(SEGMENT_CALLS_MAX, "one answer")
    if len(past) + row["position"] > TURN_CALLS_MAX:
        yield texts.too_many(TURN_CALLS_MAX, "one turn")
    if other is not None:
        yield texts.other_company(other)
    if problem is not None:
        yield texts.invalid_arguments([problem])
    elif problems := _problems(_without_key(tool), row["arguments"]):
        yield texts.invalid_arguments(problems)
    if (before := answered_before(row["digest"], tool.effect, past)) is not None:
        yield texts.repeated(before.text)
    if row["gate"] == "APPROVAL":
        yield texts.refused("approval_not_available")


def schema_for_model(tool: OfferedTool) -> dict[str, Any]:
    """The tool's schema as the model is told it: what Neo fills in is not among it."""
    return told_schema(tool, _without_key(tool))


def _without_key(tool: OfferedTool) -> dict[str, Any]:
    if tool.keyed_by is not KeyedBy.ARGUMENT or tool.key_argument is None:
        return tool.input_schema
    return without(tool.input_schema, tool.key_argument)


def may_fit(schema: dict[str, Any], arguments: Any) -> bool:
    """Also where nobody can say: a gate is not passed by arguments that are too costly to check."""
    try:
        return not problems_of(schema, arguments)
    except SchemaRefused:
        return True


def _problems(schema: dict[str, Any], arguments: Any) -> Sequence[Problem]:
    try:
        return problems_of(schema, arguments)
    except SchemaRefused as refused:
        return [Problem("", refused.message)]


def _read(arguments_json: str) -> tuple[dict[str, Any], str | None, Problem | None]:
    """The arguments; what the model wrote where they cannot be taken, and why."""
    if not arguments_json.strip():
        return {}, None, None
    if len(arguments_json.encode(errors="replace")) > ARGUMENTS_BYTES_MAX:
        return {}, _text(arguments_of(arguments_json))[:ARGUMENTS_BYTES_MAX], TOO_LONG
    read = arguments_of(arguments_json)
    if not isinstance(read, dict):
        return {}, _text(read), NOT_AN_OBJECT
    if _is_deeper(read, ARGUMENTS_DEPTH_MAX):
        return {}, _text(read), TOO_DEEP
    return read, None, None


def _text(read: Any) -> str:
    return read if isinstance(read, str) else orjson.dumps(read).decode()


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)
                 if isinstance(inner, dict | list)]  # fmt: skip
        if not level:
            return False
    return True
