"""How a call has ended, as its row says it, its turn's readers see it, and the model reads it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Ended:
    status: str
    outcome: dict[str, Any]
    """`output`, or `code` and `error_text`. `text` is what the model reads where that is another; with `is_untrusted`
    strangers may have written it.
    """
    error_code: str | None = None
    output_bytes: int | None = None
    artifact_id: UUID | None = None

    def row(self, call_id: str) -> dict[str, Any]:
        return {
            "id": call_id,
            "status": self.status,
            "outcome": self.outcome,
            "error_code": self.error_code,
            "output_bytes": self.output_bytes,
            "artifact_id": self.artifact_id,
        }


def failed(status: str, code: str, text: str, *, is_untrusted: bool = False) -> Ended:
    """A call without an output. The text says to the model what happened, and what it may do."""
    outcome: dict[str, Any] = {"code": code, "error_text": f"{code}: {text}"}
    return Ended(status, outcome | ({"is_untrusted": True} if is_untrusted else {}), code)
