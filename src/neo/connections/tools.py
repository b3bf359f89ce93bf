"""The list of a server's tools, as it was told, bounded and with a digest of each."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

TOOLS_MAX = 300
LIST_BYTES_MAX = 256 * 1024
DESCRIPTION_CHARACTERS_MAX = 1024
NAME_CHARACTERS_MAX = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTool:
    name: str
    title: str | None
    description: str
    input_schema: dict[str, Any]
    hints: Mapping[str, bool]
    """What the server says of it: `readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`."""
    digest: str
    """Of all that was told of it, before it was cut: it differs if anything does."""
    operation: Mapping[str, Any] | None = None
    """Of an HTTP API: what makes a request of its arguments."""
    group: str | None = None
    problem: str | None = None
    """Why it cannot be offered; None: it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    protocol: str
    tools: tuple[ListedTool, ...]
    is_cut: bool = False
    """Whether the server has more than are kept."""
    fresh_seconds: float = 0.0
    """For how long the server says that its list stays as it is."""
    server: Mapping[str, str] = field(default_factory=dict)
    """What it calls itself."""


def digest_of(told: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON: sorted keys, no spaces."""
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()
