"""A turn's end, written in one call: each turn waits for it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from neo.db import Database
from neo.events import Fenced
from neo.turns.contract import TurnInput
from neo.turns.models import ChatTurn, TurnStatus


@dataclass(frozen=True)
class Ending:
    """What is written when a turn ends. `pen` proves who ends it; `terminal_n` is where its events end.

    `parts` is the answer, where it is kept; `continues` is where the provider left off, where that is to change.
    """

    status: TurnStatus
    pen: int
    terminal_n: int | None
    parts: list[dict[str, Any]] | None = None
    continues: dict[str, Any] | None = None
    record: dict[str, Any] = field(default_factory=dict)


async def write_ending(
    database: Database, turn: TurnInput, ending: Ending
) -> tuple[ChatTurn, TurnInput | None]:
    """The turn as it ended, and the one that is to run next; raises `Fenced` when someone else has ended it."""
    rows = await database.call(
        "neo_end_turn($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        UUID(turn.tenant_id),
        UUID(turn.session_id),
        UUID(turn.turn_id),
        ending.pen,
        ending.status.value,
        ending.terminal_n,
        _json(ending.record),
        _json(ending.parts),
        _json(ending.continues),
    )
    if not rows:
        raise Fenced("The turn has ended, or another attempt has taken it over.")
    values = dict(rows[0])
    following_id = values.pop("following_id")
    following = TurnInput(turn.tenant_id, turn.session_id, str(following_id)) if following_id else None
    return ChatTurn(**values), following


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
