"""The tools, as the list of them tells."""

from typing import Any


def _tool(
    name: str, description: str, hints: dict[str, bool], /, *needed: str, **properties: str
) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {one: {"type": kind} for one, kind in properties.items()},
        "required": list(needed),
        "additionalProperties": False,
    }
    return {"name": name, "description": description, "inputSchema": schema, "annotations": hints}


_READS = {"readOnlyHint": True}
_KEYED = {"readOnlyHint": False, "idempotentHint": True}
_WRITES = {"readOnlyHint": False, "destructiveHint": True}
DEFINITIONS: tuple[dict[str, Any], ...] = (
    _tool("read", "Read what is known about something.", _READS, about="string", company="string"),
    _tool("keyed", "Add a text; a repeated key adds nothing.", _KEYED, "text", text="string", key="string"),
    _tool("write", "Add a text, each time it is called.", _WRITES, "text", text="string", company="string"),
    _tool("slow", "Add a text after some seconds.", _WRITES, "seconds", seconds="number", text="string"),
    _tool("big", "Read a text of so many bytes.", _READS, "bytes", bytes="integer"),
    _tool("raise", "Fail as a program with a bug does.", _WRITES),
    _tool("poison", "Read a ticket whose author gives orders.", _READS),
    _tool("company", "Read which company this is called for.", _READS, company="string"),
)
