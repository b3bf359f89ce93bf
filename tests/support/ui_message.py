"""The `UIMessage` that a client with its own state makes of events, as docs/api.md says."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from support.client import Event

Parts = list[dict[str, Any]]


def folded(events: Sequence[Event], parts: Parts | None = None) -> Parts:
    """What these events make of a message that had these parts."""
    kept = deepcopy(parts or [])
    open_parts: dict[str, dict[str, Any]] = {}
    for event in events:
        chunk = event.chunk
        match event.type:
            case "data-stream-reset":
                kept = []
            case "data-turn-restarted":
                kept = kept[: _begin_of_step(kept, chunk["data"]["step"])]
            case "start-step":
                kept.append({"type": "step-start"})
            case "text-start" | "reasoning-start":
                open_parts[chunk["id"]] = {"type": event.type[:-6], "text": "", "state": "done"}
                kept.append(open_parts[chunk["id"]])
            case "text-delta" | "reasoning-delta":
                open_parts[chunk["id"]]["text"] += chunk["delta"]
            case kind if kind.startswith("tool-"):
                _note_call(kept, chunk)
    return kept


def _note_call(parts: Parts, chunk: dict[str, Any]) -> None:
    call_id = chunk["toolCallId"]
    part = next((one for one in parts if one.get("toolCallId") == call_id), None)
    if part is None:
        part = {"type": "dynamic-tool", "toolName": chunk["toolName"], "toolCallId": call_id}
        parts.append(part)
    part |= {name: chunk[name] for name in ("input", "output", "errorText") if name in chunk}
    part["state"] = {
        "tool-input-available": "input-available",
        "tool-approval-request": "approval-requested",
        "tool-output-available": "output-available",
        "tool-output-denied": "output-denied",
    }.get(chunk["type"], "output-error")


def _begin_of_step(parts: Parts, step: int) -> int:
    begins = [index for index, part in enumerate(parts) if part["type"] == "step-start"]
    return begins[step - 1] if step <= len(begins) else len(parts)


def bare(parts: Parts) -> Parts:
    """What a reader sees of them."""
    names = ("type", "state", "text", "toolName", "toolCallId", "input", "output", "errorText")
    said = [part for part in parts if not part["type"].startswith("data-")]
    return [{name: part[name] for name in names if name in part} for part in said]
