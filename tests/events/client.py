"""What a client makes of a stream."""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from neo.tails.tail import Tail

PATIENCE_SECONDS = 8.0
RESET = "data-stream-reset"


@dataclass(frozen=True)
class Received:
    id: str | None
    chunk: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.chunk["type"])


class Fold:
    """What a turn has said, folded over its chunks in order: steps, texts, and outcomes of calls."""

    def __init__(self) -> None:
        self.message_id: str | None = None
        self.items: list[tuple[str, ...]] = []
        self._part_ids: list[str] = []

    def take(self, chunk: dict[str, Any]) -> None:
        kind = chunk["type"]
        if kind == RESET:
            self._cut(0)
        elif kind == "start":
            if chunk["messageId"] != self.message_id:
                self._cut(0)
            self.message_id = chunk["messageId"]
        elif kind == "data-turn-restarted":
            self._cut_to_step(chunk["data"]["step"])
        elif kind == "start-step":
            self._add("", ("step",))
        elif kind == "text-start":
            self._add(chunk["id"], ("text", ""))
        elif kind == "text-delta":
            self._add_text(chunk["id"], chunk["delta"])
        elif kind == "tool-output-available":
            self._set_outcome(chunk["toolCallId"], str(chunk["output"]))

    @property
    def text(self) -> str:
        return "".join(item[1] for item in self.items if item[0] == "text")

    def copied(self) -> "Fold":
        other = Fold()
        other.message_id, other.items, other._part_ids = self.message_id, self.items[:], self._part_ids[:]
        return other

    def _add(self, part_id: str, item: tuple[str, ...]) -> None:
        self._part_ids.append(part_id)
        self.items.append(item)

    def _add_text(self, part_id: str, delta: str) -> None:
        if part_id not in self._part_ids:
            # A client that resumes in mid-part has what came before.
            self._add(part_id, ("text", ""))
        index = self._part_ids.index(part_id)
        self.items[index] = ("text", self.items[index][1] + delta)

    def _set_outcome(self, call_id: str, outcome: str) -> None:
        item = ("call", call_id, outcome)
        if call_id in self._part_ids:
            self.items[self._part_ids.index(call_id)] = item
        else:
            self._add(call_id, item)

    def _cut_to_step(self, step: int) -> None:
        steps = [index for index, item in enumerate(self.items) if item == ("step",)]
        if len(steps) >= step:
            self._cut(steps[step - 1])

    def _cut(self, index: int) -> None:
        del self.items[index:]
        del self._part_ids[index:]


class Client:
    """What a client of the stream makes of it."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.comments: list[str] = []
        self.fold = Fold()
        self.retry_ms: int | None = None
        self.is_done = False
        self.is_ended = False

    async def read(self, tail: Tail) -> None:
        pieces = tail.pieces()
        try:
            async for piece in pieces:
                self.take(piece)
            self.is_ended = True
        finally:
            await pieces.aclose()

    def take(self, piece: bytes) -> None:
        assert piece.endswith(b"\n\n")
        for block in piece.decode().removesuffix("\n\n").split("\n\n"):
            lines = dict(line.split(":", 1) for line in block.split("\n") if not line.startswith(":"))
            if block.startswith(":"):
                self.comments.append(block)
            elif "retry" in lines:
                self.retry_ms = int(lines["retry"])
            elif lines["data"].strip() == "[DONE]":
                self.is_done = True
            else:
                event_id = lines["id"].strip() if "id" in lines else None
                received = Received(event_id, orjson.loads(lines["data"]))
                self.received.append(received)
                self.fold.take(received.chunk)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.received]

    @property
    def ids(self) -> list[str]:
        """Of what the turn says. A reset has the cursor before its turn."""
        return [event.id for event in self.received if event.id is not None and event.type != RESET]

    @property
    def resets(self) -> list[str]:
        return [event.chunk["data"]["reason"] for event in self.received if event.type == RESET]

    @property
    def text(self) -> str:
        """The text that counts."""
        return self.fold.text

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition(self):
                await asyncio.sleep(0.005)

    async def until_text(self, text: str) -> None:
        await self.until(lambda client: client.text == text)

    async def until_ended(self) -> None:
        await self.until(lambda client: client.is_ended)
