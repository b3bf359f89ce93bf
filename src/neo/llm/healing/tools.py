"""What a model is sent of tools and of their calls, once it has refused something of that."""

from dataclasses import replace

from neo.llm.chosen import ChosenModel, TakenCalls, ToolSchemas, Traits
from neo.llm.healing.adapted import has_foreign_rounds, has_own_rounds, has_rounds, has_tools
from neo.llm.healing.refusal import About
from neo.llm.prompt import Prompt

OF_TOOLS = frozenset({About.TOOLS, About.TOOL_SCHEMA, About.CALLS, About.CARRIED})
_SCHEMAS_AFTER: dict[ToolSchemas, ToolSchemas] = {"full": "plain", "plain": "flat"}


def with_less_of_tools(chosen: ChosenModel, about: About, sent: Prompt) -> Traits | None:
    """None where the prompt has nothing of it that could be left out."""
    traits = chosen.traits
    match about:
        case About.TOOL_SCHEMA if sent.tools:
            schemas = _SCHEMAS_AFTER.get(traits.tool_schemas)
            return replace(traits, tool_schemas=schemas) if schemas else None
        case About.CALLS if has_rounds(sent):
            return replace(traits, takes_calls=_fewer_calls(chosen, sent))
        case About.CARRIED if traits.carries and has_own_rounds(sent, chosen):
            return replace(traits, carries=False)
        case About.TOOLS if traits.takes_tools and has_tools(sent):
            return replace(traits, takes_tools=False)
    return None


def _fewer_calls(chosen: ChosenModel, sent: Prompt) -> TakenCalls:
    """Its own, at first: those of others come without what it may demand with them."""
    is_first = chosen.traits.takes_calls == "all" and has_foreign_rounds(sent, chosen)
    return "own" if is_first else "none"
