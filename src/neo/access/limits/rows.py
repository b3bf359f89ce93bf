"""How many rows of each kind a tenant may have."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access.held_right import Operator
from neo.access.limits.shares import most_for
from neo.access.principal import Principal
from neo.errors import Failure, Kind

# What was full is looked at again after this long.
FULL_SECONDS = 60.0
# A process lets as much of the room be used before it counts again.
UNCOUNTED_PART = 10


class QuotaExceeded(Failure):
    """Your tenant has as many of these as it may have: `details` says of which, and how many. Admins may have a tenth
    more than API keys.
    """

    kind = Kind.CONFLICT
    code = "quota_exceeded"
    remedy = "Delete what is not needed, or ask whoever runs Neo for more."


@dataclass(frozen=True)
class RowBounds:
    """Most rows of each kind; 0 is no bound. Versions are kept for each agent, installs for each channel, tokens for
    each session.
    """

    agents: int = 0
    agent_versions: int = 0
    channels: int = 0
    installs: int = 0
    companies: int = 0
    agent_connections: int = 0
    technicians: int = 0
    api_keys: int = 0
    sessions: int = 0
    session_tokens: int = 0


NO_ROW_BOUNDS = RowBounds()


async def check_room(
    db: AsyncSession, caller: Principal | Operator, rows: Select[Any], most: int, what: str
) -> None:
    """Refuse the caller one more of these rows, which are counted no further than to the bound. The operator is not
    bound.
    """
    if most and isinstance(caller, Principal):
        allowed = most_for(caller, most)
        # Without the lock, two requests at once would both find room for one more.
        mine = func.hashtextextended(f"{what}:{caller.tenant_id}", 0)
        await db.execute(select(func.pg_advisory_xact_lock(mine)))
        if await _count(db, rows, allowed) >= allowed:
            raise _exceeded(allowed, what)


class CountedRoom:
    """For rows of which there may be many: to count them each time would take longer than to store one.

    A process counts a tenant's rows, lets a tenth of the room be used, and counts again. So several processes may pass
    the bound by a little, and by less the nearer it is.
    """

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        # What may be stored before the next count, and until when there is no room; Admins have one of their own.
        self._left: dict[tuple[UUID, int], tuple[int, float]] = {}

    async def take(self, db: AsyncSession, caller: Principal, rows: Select[Any]) -> None:
        if not self._most:
            return
        allowed = most_for(caller, self._most)
        key = (caller.tenant_id, allowed)
        left, full_until = self._left.get(key, (0, 0.0))
        if left == 0:
            if time.monotonic() < full_until:
                raise _exceeded(allowed, self._what)
            room = allowed - await _count(db, rows, allowed)
            if room < 1:
                self._left[key] = (0, time.monotonic() + FULL_SECONDS)
                raise _exceeded(allowed, self._what)
            left = max(1, room // UNCOUNTED_PART)
        self._left[key] = (left - 1, 0.0)


async def _count(db: AsyncSession, rows: Select[Any], most: int) -> int:
    some = rows.with_only_columns(literal(1), maintain_column_froms=True).limit(most)
    return await db.scalar(select(func.count()).select_from(some.subquery())) or 0


def _exceeded(most: int, what: str) -> QuotaExceeded:
    return QuotaExceeded(
        f"At most {most:,} {what} may be there: delete some, or ask whoever runs Neo for more.",
        details={"of": what, "most": most},
    )
