"""One connection to Valkey, over which lots of commands go, one lot after the other."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from hiredis import pack_command
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import ResponseError

Word: TypeAlias = bytes | str | int | float


class Exchange:
    """The library's pool and pipeline cost more than the commands. Here a lot is one write and its answers, over a
    connection that the library makes, and makes again when it is lost.
    """

    def __init__(self, new_connection: Callable[[], Any], answer_seconds: float) -> None:
        self._new_connection = new_connection
        self._answer_seconds = answer_seconds
        # Made at the first lot, for it belongs to the loop that runs then.
        self._connection: Any = None
        self._is_free = asyncio.Lock()

    async def __call__(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """The answers to these commands, in their order; no transaction. An answer may be an error."""
        # (Its stub says a tuple of one word.)
        lot = b"".join([pack_command(tuple(words)) for words in commands])  # type: ignore[arg-type]
        async with self._is_free, asyncio.timeout(self._answer_seconds):
            try:
                return await self._answers(lot, len(commands))
            except ConnectionLost:
                # A server that was restarted has closed it: our commands may be repeated, once.
                return await self._answers(lot, len(commands))

    async def aclose(self) -> None:
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)

    async def _answers(self, lot: bytes, count: int) -> list[Any]:
        connection = self._connection = self._connection or self._new_connection()
        # Whatever breaks off in between, the library hangs up: no answer is taken for that to another command.
        await connection.send_packed_command(lot, check_health=False)
        return [await _answer(connection) for _ in range(count)]


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
