"""Rounds of calls and outcomes, for prompts."""

from neo.llm import Outcome, Prompt, Round, ToolCall


def a_round(text: str, name: str, *outcomes: str, call_id: str = "call_a") -> Round:
    """A round with one call for each outcome. The first has `call_id`, each other one a number behind it."""
    ids = [call_id, *(f"{call_id}{number}" for number in range(2, len(outcomes) + 1))]
    calls = [ToolCall(one, name, '{"query":"weather"}') for one in ids]
    return Round(text, calls, [Outcome(one, said) for one, said in zip(ids, outcomes, strict=True)])


def all_rounds(prompt: Prompt) -> list[Round]:
    """Every round of a prompt, oldest first."""
    return [*(one for said in prompt.transcript for one in said.rounds), *prompt.rounds]
