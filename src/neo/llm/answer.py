"""One call to a model, streamed, by whoever reads that provider."""

from collections.abc import AsyncGenerator

from neo.llm.lines import Lines
from neo.llm.pieces import Piece
from neo.llm.prompt import Prompt
from neo.llm.tiers import ChosenModel


def answer(
    lines: Lines, chosen: ChosenModel, prompt: Prompt, previous_response_id: str | None
) -> AsyncGenerator[Piece, None]:
    if chosen.provider.speaks_responses:
        from neo.llm.responses_answer import responses_answer  # noqa: PLC0415 - only what is spoken is loaded.

        return responses_answer(lines, chosen, prompt, previous_response_id)
    from neo.llm.library_answer import library_answer  # noqa: PLC0415 - seconds of import.

    return library_answer(lines, chosen, prompt)
