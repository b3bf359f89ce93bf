"""One call to a model, streamed, by whoever reads that provider."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import import_module

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
    return _library_answer(lines, chosen, prompt)


async def _library_answer(lines: Lines, chosen: ChosenModel, prompt: Prompt) -> AsyncGenerator[Piece, None]:
    # Seconds of import, which nobody else's turn or request is to wait for.
    library = await asyncio.to_thread(import_module, "neo.llm.library_answer")
    async with aclosing(library.library_answer(lines, chosen, prompt)) as pieces:
        async for piece in pieces:
            yield piece
