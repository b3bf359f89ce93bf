import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from neo.errors import Failure, Kind

# A probe waits for the answer, so a part that takes longer than this counts as down.
PART_SECONDS = 1.5


class Pingable(Protocol):
    async def ping(self) -> None: ...


class NotReady(Failure):
    """Only from `/public-api/ready`: `details.parts` says what is down."""

    kind = Kind.UNAVAILABLE
    code = "not_ready"
    remedy = "Wait."


class Engines:
    """PostgreSQL, Valkey and Temporal, and whether each answers at this moment."""

    def __init__(self, database: Pingable, valkey: Pingable, temporal: Pingable) -> None:
        self._engines = {"postgres": database, "valkey": valkey, "temporal": temporal}

    async def states(self) -> dict[str, str]:
        """Each as `up` or `down`."""
        states = await asyncio.gather(*(_state(engine.ping) for engine in self._engines.values()))
        return dict(zip(self._engines, states, strict=True))


class Health:
    """The readiness of this process. The API accepts messages as long as it has its database."""

    def __init__(self, engines: Engines, worker_is_up: Callable[[], bool] | None = None) -> None:
        """`worker_is_up` is given where the worker runs in the API's process."""
        self._engines = engines
        self._schema_problem: str | None = "The database has not been reached yet."
        self._worker_is_up = worker_is_up

    def schema_is_not_ready(self, problem: str) -> None:
        """No message is accepted until `schema_is_ready` is called."""
        self._schema_problem = problem

    def schema_is_ready(self) -> None:
        self._schema_problem = None

    async def parts(self) -> dict[str, str]:
        """Each part as `up`, `down` or `starting`; raises `NotReady` when messages cannot be accepted."""
        parts = await self._engines.states()
        if self._worker_is_up is not None:
            parts["worker"] = "up" if self._worker_is_up() else "starting"
        if parts["postgres"] == "down":
            raise NotReady("PostgreSQL is down: no message can be accepted.", details={"parts": parts})
        if self._schema_problem is not None:
            raise NotReady(self._schema_problem, details={"parts": {**parts, "postgres": "starting"}})
        return parts


async def _state(ping: Callable[[], Awaitable[None]]) -> str:
    try:
        await asyncio.wait_for(ping(), PART_SECONDS)
    except Exception:  # noqa: BLE001 - whatever a driver says, the part is down.
        return "down"
    return "up"
