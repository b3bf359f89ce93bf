from typing import Any

import orjson
from asyncpg import Record

from neo.executions.steps.redact import redact, redact_text
from neo.executions.steps.schemas import ExecutionStep, StepType
from neo.kit import redacted

DATA_BYTES_MAX = 64 * 1024
# Of a value in data that is longer. JSON writes a character in at most six bytes.
SHOWN_CHARACTERS = 10_000
# What people say to each other may speak of passwords; what programs do may carry them.
SAID = frozenset({StepType.USER_MESSAGE, StepType.THOUGHT, StepType.FINAL_MESSAGE})


def shown_step(row: Record) -> ExecutionStep:
    step_type = StepType(row["type"])
    data = row["data"]
    return ExecutionStep(
        step_id=str(row["number"]),
        execution_id=str(row["execution_id"]),
        sequence=row["number"],
        type=step_type,
        message=_clean(step_type, row["message"]),
        tool_call_id=row["call_id"],
        tool_type_name=row["tool_type_name"],
        is_error=row["is_error"],
        data=None if data is None else capped(_clean(step_type, data)),
        created_at=row["created_at"],
    )


def capped(data: dict[str, Any]) -> dict[str, Any]:
    """The data, of which the longest values are cut as long as the whole is too long; `truncated` says so."""
    is_cut = False
    while len(orjson.dumps(data)) > DATA_BYTES_MAX:
        longest = max(data, key=lambda name: len(orjson.dumps(data[name])))
        value = data[longest]
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        if len(text) <= SHOWN_CHARACTERS:
            break
        data, is_cut = {**data, longest: text[:SHOWN_CHARACTERS]}, True
    return {**data, "truncated": True} if is_cut else data


def _clean(step_type: StepType, value: Any) -> Any:
    if step_type in SAID:
        return (
            {**value, "text": redacted(value["text"])} if isinstance(value, dict) else redacted(value or "")
        )
    return redact_text(value) if isinstance(value, str) else redact(value)
