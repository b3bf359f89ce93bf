import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from neo.db import Database
from neo.errors import Failure, Kind
from neo.turns.processes import TurnProcesses, read_turn_processes

# A probe waits for the answer, so a part that takes longer than this counts as down.
PART_SECONDS = 1.5
# Anybody may ask, as often as they like: whoever asks within this gets what the last look found.
LOOK_SECONDS = 1.0


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


@dataclass(frozen=True)
class Readiness:
    """Each part as `up`, `down` or `starting`; `turns` is `no process` while nobody runs turns."""

    parts: dict[str, str]
    oldest_claimable_turn_seconds: float

    @property
    def is_degraded(self) -> bool:
        return set(self.parts.values()) != {"up"}


class Health:
    """The readiness of this process. The API accepts messages as long as it has its database."""

    def __init__(
        self,
        engines: Engines,
        database: Database,
        worker_is_up: Callable[[], bool] | None = None,
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """`worker_is_up` is given where the worker runs in the API's process."""
        self._look_seconds = look_seconds
        self._look: asyncio.Task[Readiness] | None = None
        self._looked_at = 0.0
        self._engines = engines
        self._database = database
        self._schema_problem: str | None = "The database has not been reached yet."
        self._worker_is_up = worker_is_up

    def schema_is_not_ready(self, problem: str) -> None:
        """No message is accepted until `schema_is_ready` is called."""
        self._schema_problem = problem

    def schema_is_ready(self) -> None:
        self._schema_problem = None

    async def readiness(self) -> Readiness:
        """What a look at the parts has found, this moment or within the last second. Raises `NotReady` when messages
        cannot be accepted.
        """
        loop = asyncio.get_running_loop()
        look = self._look
        if look is None or (look.done() and loop.time() - self._looked_at >= self._look_seconds):
            look = self._look = loop.create_task(self._looked())
            self._looked_at = loop.time()
        # Whoever stops waiting does not end the look of the others.
        return await asyncio.shield(look)

    async def _looked(self) -> Readiness:
        parts = await self._engines.states()
        if self._worker_is_up is not None:
            parts["worker"] = "up" if self._worker_is_up() else "starting"
        if parts["postgres"] == "down":
            raise _without_postgres(parts)
        if self._schema_problem is not None:
            raise NotReady(self._schema_problem, details={"parts": {**parts, "postgres": "starting"}})
        processes = await self._turn_processes(parts)
        parts["turns"] = "up" if processes.count else "no process"
        return Readiness(parts, processes.oldest_seconds)

    async def _turn_processes(self, parts: dict[str, str]) -> TurnProcesses:
        try:
            return await asyncio.wait_for(read_turn_processes(self._database), PART_SECONDS)
        except Exception as error:
            raise _without_postgres({**parts, "postgres": "down"}) from error


def _without_postgres(parts: dict[str, str]) -> NotReady:
    return NotReady("PostgreSQL is down: no message can be accepted.", details={"parts": parts})


async def _state(ping: Callable[[], Awaitable[None]]) -> str:
    try:
        await asyncio.wait_for(ping(), PART_SECONDS)
    except Exception:  # noqa: BLE001 - whatever a driver says, the part is down.
        return "down"
    return "up"
