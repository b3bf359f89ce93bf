"""How the tests call models, and what they receive."""

import asyncio
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from neo.llm import Completed, Delta, Models, Prompt, ReasoningDelta, TextDelta
from neo.llm.chosen import ChosenModel
from neo.llm.providers import Address, DialectName
from support.ports import free_port

EVENTUALLY_SECONDS_MAX = 20.0
LOOK_EVERY_SECONDS = 0.01
START_SECONDS_MAX = 30


def a_model(name: str = "m", family: str = "") -> ChosenModel:
    """A model for readers, which look at its names only."""
    return ChosenModel(
        provider="somebody",
        name=name,
        dialect=DialectName.MESSAGES,
        address=Address("http://nowhere", "key", ""),
        region="",
        reasoning_effort=None,
        prompt_tokens_max=1_000,
        answer_tokens_max=1_000,
        continues=False,
        sees_images=False,
        family=family,
    )


@contextmanager
def model_server(module: str) -> Iterator[str]:
    """One of the model servers in a process of its own; its address once it is healthy."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", module, "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_healthy(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _wait_until_healthy(url: str, server: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < give_up_at and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("The model server did not start.")


def joined(deltas: Iterable[Delta]) -> list[Delta]:
    """The same, however often it was read: deltas of one part that follow each other are one."""
    told: list[Delta] = []
    for delta in deltas:
        last = told[-1] if told else None
        if (
            isinstance(delta, TextDelta | ReasoningDelta)
            and type(last) is type(delta)
            and last.part == delta.part
        ):
            told[-1] = replace(last, text=last.text + delta.text)
        else:
            told.append(delta)
    return told


@dataclass
class Received:
    deltas: list[Delta] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, TextDelta))

    @property
    def completed(self) -> Completed:
        last = self.deltas[-1]
        assert isinstance(last, Completed)
        assert not any(isinstance(delta, Completed) for delta in self.deltas[:-1])
        return last


class Ask(Protocol):
    async def __call__(
        self,
        model: str,
        prompt: Prompt | None = None,
        *,
        previous_response_id: str | None = None,
        into: Received | None = None,
        through: Models | None = None,
        reasoning_effort: str | None = None,
    ) -> Received: ...


Calls = Callable[[str], Awaitable[list[dict[str, Any]]]]


async def eventually(holds: Callable[[], Awaitable[bool]]) -> bool:
    for _ in range(int(EVENTUALLY_SECONDS_MAX / LOOK_EVERY_SECONDS)):
        if await holds():
            return True
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return False
