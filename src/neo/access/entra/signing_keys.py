"""Caches the identity provider's signing keys: fetched at the first token, and again every hour."""

import asyncio
import math
import time
from collections.abc import Callable

import structlog

from neo.access.entra.key_ring import KeyRing
from neo.access.entra.key_source import KeysNotFetched, KeySource
from neo.access.errors import IdentityProviderUnavailable
from neo.telemetry import process_metrics

log = structlog.get_logger()

# A key that is withdrawn is refused after the next fetch; while fetches fail, after a day.
FRESH_SECONDS = 3600.0
KEPT_SECONDS = 24 * 3600.0
# Anybody can send a token that names an unknown key, so that must not cause more fetches than this.
BETWEEN_FETCHES_SECONDS = 300.0
# Without any keys no Entra token can be verified, so fetches are tried more often.
RETRY_SECONDS = 5.0


class SigningKeys:
    """One process's copy of the published keys. `clock` is monotonic, in seconds."""

    def __init__(self, source: KeySource, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._ring: KeyRing | None = None
        self._fetched_at = -math.inf
        self._asked_at = -math.inf
        self._flight: asyncio.Task[None] | None = None

    async def ring_for(self, kid: str) -> KeyRing:
        """The published keys. They are fetched again, at most every 5 minutes, when `kid` is not among them."""
        ring = self._kept()
        if ring is None:
            return await self._first()
        if kid not in ring.keys and self._may_ask(BETWEEN_FETCHES_SECONDS):
            await self._asked()
            return self._kept() or ring
        if self._clock() - self._fetched_at > FRESH_SECONDS and self._may_ask(BETWEEN_FETCHES_SECONDS):
            self._ask()
        return ring

    async def aclose(self) -> None:
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    def _kept(self) -> KeyRing | None:
        return self._ring if self._clock() - self._fetched_at <= KEPT_SECONDS else None

    async def _first(self) -> KeyRing:
        if self._may_ask(RETRY_SECONDS):
            await self._asked()
        ring = self._kept()
        if ring is None:
            raise IdentityProviderUnavailable(
                "Microsoft Entra ID's signing keys cannot be fetched just now, so no token can be checked.",
                retry_after_seconds=int(RETRY_SECONDS),
            )
        return ring

    def _may_ask(self, between_seconds: float) -> bool:
        return self._flight is not None or self._clock() - self._asked_at >= between_seconds

    async def _asked(self) -> None:
        # When a waiting caller is cancelled, the fetch goes on for the others.
        await asyncio.shield(self._ask())

    def _ask(self) -> asyncio.Task[None]:
        if self._flight is None:
            self._asked_at = self._clock()
            self._flight = asyncio.create_task(self._fetch(self._asked_at))
        return self._flight

    async def _fetch(self, asked_at: float) -> None:
        try:
            self._ring = await self._source.fetch()
            self._fetched_at = asked_at
            process_metrics.signing_keys_fetched()
        except KeysNotFetched as error:
            log.warning("entra_keys_not_fetched", reason=str(error), kept=self._kept() is not None)
        finally:
            self._flight = None
