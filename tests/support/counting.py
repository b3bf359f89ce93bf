"""A database that says what it was asked."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import event

from neo.db import Database


class CountingDatabase(Database):
    """`asked` are the statements and the names of functions, in their order."""

    def __init__(self, url: str) -> None:
        super().__init__(url, connections_max=2)
        self.asked: list[str] = []
        event.listen(self._engine.sync_engine, "before_cursor_execute", self._note)

    async def call(self, function: str, *values: object) -> Sequence[Any]:
        self.asked.append(function)
        return await super().call(function, *values)

    async def _find_keys(self, function: str, keys: list[bytes]) -> Sequence[Any]:
        self.asked.append(function)
        return await super()._find_keys(function, keys)

    def taken(self) -> list[str]:
        """What was asked since this was called last."""
        asked, self.asked = self.asked, []
        return asked

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.asked.append(statement)
