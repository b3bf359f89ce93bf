"""What a stage plays: its protocol, who may call, and what goes wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

STATELESS = "2026-07-28"
WITH_SESSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
PROTOCOLS = (*WITH_SESSIONS, STATELESS)
# Faults that happen before the tool is called.
BEFORE = (
    "refuse", "hang", "status", "redirect", "unauthorized", "html", "accepted", "ask", "input_required", "exit_before",
)  # fmt: skip
# Faults of the answer, after the tool has had its effect.
AFTER = (
    "die", "half", "hang_after", "drip", "endless", "notifications", "other_id", "invalid_utf8", "garbage",
    "no_message", "no_result", "compressed", "deep", "exit",
)  # fmt: skip
FAULTS = (*BEFORE, *AFTER)


class UnknownScriptError(Exception):
    """The script has a field or a value that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    name: str
    method: str = "tools/call"
    """`*` for every one, and `token` for the token endpoint."""
    tool: str | None = None
    times: int | None = None
    number: int = 100_000
    """How many notifications, or which status."""
    to: str = "http://127.0.0.1:9/elsewhere"
    """Where a redirection leads."""

    def meets(self, method: str, tool: str | None) -> bool:
        return self.method in ("*", method) and self.tool in (None, tool)

    @property
    def is_before(self) -> bool:
        return self.name in BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    protocol: str = STATELESS
    stream: bool = False
    """Whether answers come as server-sent events."""
    page: int = 100
    """How many tools one page of the list has."""
    instructions: str | None = None
    tokens: tuple[str, ...] = ()
    """Bearer tokens that are let in, beside those of the token endpoint."""
    clients: Mapping[str, str] = field(default_factory=dict)
    """Ids and secrets that the token endpoint knows."""
    token_seconds: float = 3600.0
    fault: Fault | None = None

    @classmethod
    def parse(cls, given: Any, before: "Script | None" = None) -> "Script":
        """The script with the fields that are given; the others are as before."""
        known = {one.name for one in fields(cls)}
        if not isinstance(given, dict) or not set(given) <= known:
            raise UnknownScriptError(f"A script is an object with any of {', '.join(sorted(known))}.")
        values = {name: getattr(before or cls(), name) for name in known} | given
        values["fault"] = _fault(values["fault"])
        values["tokens"] = tuple(values["tokens"])
        if values["protocol"] not in PROTOCOLS:
            raise UnknownScriptError(f"The protocol is one of {', '.join(PROTOCOLS)}.")
        return cls(**values)


def _fault(given: Any) -> Fault | None:
    if given is None or isinstance(given, Fault):
        return given
    if isinstance(given, str):
        given = {"name": given}
    known = {one.name for one in fields(Fault)}
    if not isinstance(given, dict) or not set(given) <= known or given.get("name") not in FAULTS:
        raise UnknownScriptError(
            f"A fault is an object with any of {', '.join(sorted(known))}; its name is one of {', '.join(FAULTS)}."
        )
    return Fault(**given)
