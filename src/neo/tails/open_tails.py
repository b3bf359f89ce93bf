"""The tails that are open in this process: how many, whose, how they are kept alive and sent away."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from neo.access import (
    PROCESS,
    CallerKind,
    Credential,
    NestedCounts,
    Permit,
    Principal,
    for_admins,
    most_for,
)
from neo.events import EventLog, Position
from neo.kit import keep_running
from neo.streams import StreamsUnavailable
from neo.tails.errors import TooManyTails

# A revoked credential's tails are to end within 5 s: the check, the tail's last frames, and some room.
LAPSE_CHECK_SECONDS = 2.0
TAILS_RETRY_SECONDS = 5

Lapsed = Callable[[set[Credential]], Awaitable[set[Credential]]]
# A keep-alive may be late by this.
TICK_SECONDS = 1.0


class OpenTail(Protocol):
    def send_away(self) -> None: ...


@dataclass(frozen=True)
class TailBounds:
    """Most open tails of one API process, and in it of a tenant, a session and an end user's token; 0 is no bound."""

    process: int = 0
    tenant: int = 0
    session: int = 0
    token: int = 0


NO_BOUNDS = TailBounds()


class OpenTails:
    """Counted from the answer's beginning to its end.

    Of the process's, the tenant's and the session's, end users have three quarters and Admins a tenth more, as of
    requests. A tenant that has no tail open is let into a process that others have filled, like an Admin.
    """

    def __init__(self, closing: asyncio.Event, bounds: TailBounds = NO_BOUNDS) -> None:
        self._closing = closing
        self._bounds = bounds
        # By credential: many tails of one credential are checked once.
        self._tails: dict[Credential | None, set[OpenTail]] = {}
        self._counts = NestedCounts()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return sum(map(len, self._tails.values()))

    def permit_for(self, caller: Principal, session_id: UUID) -> Permit:
        """Count one more tail, or refuse it."""
        counted = self._counted(caller, session_id)
        full = self._counts.full({place: most for place, (most, _) in counted.items()})
        if full is not None:
            most, whose = counted[full]
            raise TooManyTails(
                f"At most {most} tails {whose} may be open at once: close one.",
                retry_after_seconds=TAILS_RETRY_SECONDS,
            )
        return self._counts.permit(counted)

    def add(self, tail: OpenTail, credential: Credential | None) -> None:
        self._tails.setdefault(credential, set()).add(tail)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._send_all_away(), name="tails-closing")
        if self._closing.is_set():
            tail.send_away()

    def remove(self, tail: OpenTail, credential: Credential | None) -> None:
        mine = self._tails[credential]
        mine.discard(tail)
        if not mine:
            del self._tails[credential]
        if not self._tails and self._task is not None:
            self._task.cancel()
            self._task = None

    async def end_lapsed(self, lapsed: Lapsed) -> None:
        """Send away the tails whose credential is no longer valid: the client is refused when it returns."""
        while True:
            await asyncio.sleep(LAPSE_CHECK_SECONDS)
            shown = {credential for credential in self._tails if credential is not None}
            for credential in await lapsed(shown) if shown else ():
                for tail in list(self._tails.get(credential, ())):
                    tail.send_away()

    async def _send_all_away(self) -> None:
        await self._closing.wait()
        for tail in [tail for tails in self._tails.values() for tail in tails]:
            tail.send_away()

    def _counted(self, caller: Principal, session_id: UUID) -> dict[Hashable, tuple[int, str]]:
        """Where a tail of the caller counts, and how many there may be when it comes."""
        bounds, tenant_id = self._bounds, caller.tenant_id
        is_first = not self._counts.under_way(tenant_id)
        counted: dict[Hashable, tuple[int, str]] = {
            PROCESS: (
                for_admins(bounds.process) if is_first else most_for(caller, bounds.process),
                "of this server",
            ),
            tenant_id: (most_for(caller, bounds.tenant), "of your tenant"),
            session_id: (most_for(caller, bounds.session), "of this session"),
        }
        if caller.kind is CallerKind.END_USER:
            counted[caller.credential.id] = (bounds.token, "of one session token")
        return counted


class TimedTail(Protocol):
    """A tail, as the clock sees it."""

    @property
    def due(self) -> float:
        """When its next keep-alive is due, by the loop's clock."""
        ...

    @property
    def idle_at(self) -> tuple[UUID, Position | None] | None:
        """Its session and its position there, while it need only know whether the stream has more."""
        ...

    def keep_alive(self, *, is_up_to_date: bool) -> None: ...


class KeepAliveClock:
    """Wakes the tails that are due. Valkey is asked once for all of them that are idle."""

    def __init__(self, events: EventLog, *, tick_seconds: float = TICK_SECONDS) -> None:
        self._events = events
        self._tick_seconds = tick_seconds
        self._tails: set[TimedTail] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, tail: TimedTail) -> None:
        self._tails.add(tail)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(keep_running("keep-alives", self._run))

    def remove(self, tail: TimedTail) -> None:
        self._tails.discard(tail)

    async def _run(self) -> None:
        while self._tails:
            await asyncio.sleep(self._tick_seconds)
            await self._tick()
        self._task = None

    async def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        due = [tail for tail in self._tails if tail.due <= now]
        idle = [(tail, idle_at) for tail in due if (idle_at := tail.idle_at) is not None]
        for tail in set(due).difference(tail for tail, _ in idle):
            tail.keep_alive(is_up_to_date=False)
        if idle:
            beyond = await self._beyond([idle_at for _, idle_at in idle])
            for (tail, _), has_more in zip(idle, beyond, strict=True):
                tail.keep_alive(is_up_to_date=not has_more)

    async def _beyond(self, positions: Sequence[tuple[UUID, Position | None]]) -> list[bool]:
        try:
            return await self._events.has_beyond(positions)
        except StreamsUnavailable:
            # Each tail finds out for itself, and is served from PostgreSQL.
            return [True] * len(positions)
