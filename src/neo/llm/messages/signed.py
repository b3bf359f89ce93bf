"""The thoughts of an answer, as they have to go back with the calls behind them: whole, signed, in their order."""

from typing import Any

from neo.llm.reading.event import Event, text_in


class SignedThoughts:
    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}

    def begin(self, number: int, kind: str, block: Event) -> None:
        names = ("thinking", "signature", "data")
        found = {name: block[name] for name in names if isinstance(block.get(name), str)}
        self._blocks[number] = {"type": kind, **found}

    def add(self, number: int, delta: Event) -> None:
        """The thoughts come in pieces, and so may their signature."""
        if (block := self._blocks.get(number)) is not None:
            pieces = {name: text_in(delta, name) for name in ("thinking", "signature") if name in delta}
            block |= {name: block.get(name, "") + piece for name, piece in pieces.items()}

    def taken(self) -> list[dict[str, Any]]:
        """Those that no call has yet."""
        blocks, self._blocks = list(self._blocks.values()), {}
        return blocks
