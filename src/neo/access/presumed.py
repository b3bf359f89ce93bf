"""A caller as their key told when it was looked up last."""

from collections.abc import Awaitable, Callable

from neo.access.principal import Principal
from neo.errors import Failure


class Presumed:
    """Somebody who is not certain yet: their key may have been revoked since. Nothing is told to them, and nothing done
    for them, before `confirm` has looked; or the statement that does it finds that the key of `key_digest` holds.
    """

    __slots__ = ("_look_up", "_refused", "key_digest", "principal")

    def __init__(
        self,
        principal: Principal,
        key_digest: bytes | None = None,
        look_up: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Certain, unless it is told how they are looked up."""
        self.principal = principal
        self.key_digest = key_digest
        self._look_up = look_up
        self._refused: Failure | None = None

    async def confirm(self) -> None:
        """Make certain who it is, once. Raises what they are refused for."""
        if self._refused is not None:
            raise self._refused
        if self._look_up is None:
            return
        try:
            await self._look_up()
        except Failure as failure:
            self._refused = failure
            raise
        self._look_up = self.key_digest = None
