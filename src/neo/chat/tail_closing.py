"""The tails that are open in this process: how many, whose, and how they are told to leave."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from neo.access import Credential, CredentialKind
from neo.chat.errors import TooManyTails

# A revoked credential's tails are to end within 5 s: the look, the tail's last words, and some room.
LAPSE_LOOK_SECONDS = 2.0
TAILS_RETRY_SECONDS = 5

Lapsed = Callable[[set[Credential]], Awaitable[set[Credential]]]


class Leaver(Protocol):
    def leave(self) -> None: ...


class OpenTails:
    """Counted from the answer's beginning to its end, per tenant and per end user's token; 0 is no bound."""

    def __init__(self, closing: asyncio.Event, *, per_tenant_max: int = 0, per_token_max: int = 0) -> None:
        self._closing = closing
        self._per_tenant_max = per_tenant_max
        self._per_token_max = per_token_max
        self._tails: dict[Leaver, Credential | None] = {}
        self._counts: Counter[UUID] = Counter()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._tails)

    @contextmanager
    def place_for(self, credential: Credential) -> Iterator[None]:
        """Take a place for one more tail, or refuse it."""
        counted = self._counted(credential)
        for key, most in counted.items():
            if most and self._counts[key] >= most:
                raise TooManyTails(
                    f"At most {most} tails may be open at once: close one.",
                    retry_after_seconds=TAILS_RETRY_SECONDS,
                )
        self._counts.update(counted.keys())
        try:
            yield
        finally:
            self._counts.subtract(counted.keys())
            self._counts += Counter()

    @contextmanager
    def holding(self, tail: Leaver, credential: Credential | None = None) -> Iterator[None]:
        self._tails[tail] = credential
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._send_away(), name="tails-closing")
        if self._closing.is_set():
            tail.leave()
        try:
            yield
        finally:
            del self._tails[tail]
            if not self._tails and self._task is not None:
                self._task.cancel()
                self._task = None

    async def end_lapsed(self, lapsed: Lapsed) -> None:
        """Send away, for good, the tails whose credential no longer holds: the client is refused when it returns."""
        while True:
            await asyncio.sleep(LAPSE_LOOK_SECONDS)
            shown = {credential for credential in self._tails.values() if credential is not None}
            ended = await lapsed(shown) if shown else set()
            for tail in [tail for tail, credential in self._tails.items() if credential in ended]:
                tail.leave()

    async def _send_away(self) -> None:
        await self._closing.wait()
        for tail in list(self._tails):
            tail.leave()

    def _counted(self, credential: Credential) -> dict[UUID, int]:
        counted = {credential.tenant_id: self._per_tenant_max}
        if credential.kind is CredentialKind.SESSION_TOKEN:
            counted[credential.id] = self._per_token_max
        return counted
