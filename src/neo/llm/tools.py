"""The tools that a prompt is sent with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neo.llm.chosen import ChosenModel
from neo.llm.prompt import Prompt, Tool
from neo.llm.tool_schemas import taken


@dataclass(frozen=True, slots=True)
class SentTools:
    tools: Sequence[Tool]
    may_be_called: bool

    @classmethod
    def of(cls, prompt: Prompt) -> "SentTools":
        """Those that it offers. Where it offers none, the bare names of those that it has calls of: some providers
        refuse a call in a prompt without tools.
        """
        if prompt.tools:
            return cls(prompt.tools, prompt.may_call)
        rounds = [one for said in prompt.transcript for one in said.rounds] + list(prompt.rounds)
        names = sorted({call.name for one in rounds for call in one.calls})
        return cls([Tool(name, "", {"type": "object"}) for name in names], may_be_called=False)


def told(tool: Tool, chosen: ChosenModel, *, schema_name: str) -> dict[str, Any]:
    """What every dialect says of a tool; each has its own name for the schema."""
    said = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **said, schema_name: taken(tool.input_schema, chosen.traits.tool_schemas)}
