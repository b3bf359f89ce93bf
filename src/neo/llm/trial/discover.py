"""Looks for the model servers that people run on their own machine."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neo.llm.providers import NO_KEY, Address
from neo.llm.trial.fetching import Fetching
from neo.llm.trial.told import Told, told

# Where they listen unless they are told otherwise.
LIKELY = {
    "http://127.0.0.1:11434": "Ollama",
    "http://127.0.0.1:1234": "LM Studio",
    "http://127.0.0.1:8080": "llama.cpp",
    "http://127.0.0.1:8000": "vLLM",
}
# A server on one's own machine has a handful.
_MODELS_MAX = 50


@dataclass(frozen=True, slots=True)
class Found:
    url: str
    """Up to the `/v1`."""
    server: str
    models: Sequence[tuple[str, Told]]


@dataclass(frozen=True, slots=True)
class NotFound:
    url: str
    asks_for_key: bool


async def discovered(address: str, api_key: str = NO_KEY) -> Found | NotFound:
    url = f"{_with_scheme(address.strip()).rstrip('/').removesuffix('/v1')}/v1"
    async with Fetching(url, api_key) as fetching:
        answer = await fetching.get(f"{url}/models")
        asks_for_key = fetching.is_refused
    rows = answer.get("data") if isinstance(answer, Mapping) else None
    names = [row["id"] for row in rows if _is_model(row)] if isinstance(rows, list) else []
    where = Address(url, api_key, "")
    said = await asyncio.gather(*(told(where, name) for name in names[:_MODELS_MAX]))
    chats = [(name, one) for name, one in zip(names, said, strict=False) if one.is_for_chat]
    if not chats:
        return NotFound(url, asks_for_key)
    server = next((one.server for one in said if one.server), None)
    return Found(url, server or "an OpenAI-compatible server", chats)


def _with_scheme(address: str) -> str:
    """A server of one's own seldom has TLS."""
    return address if "://" in address else f"http://{address}"


def _is_model(row: object) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("id"), str) and bool(row["id"])
