"""One call of OpenAI's Responses API, streamed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import httpx2

from neo.kit import Bound
from neo.llm.event_json import UnreadableError
from neo.llm.failures import failure
from neo.llm.lines import Lines
from neo.llm.listening import Listening
from neo.llm.patience import Patience
from neo.llm.pieces import Piece
from neo.llm.prompt import Prompt
from neo.llm.reasoners import thinks
from neo.llm.reported import Reported, reported_by
from neo.llm.responses_reading import ResponsesReading
from neo.llm.responses_request import responses_request
from neo.llm.sse import EventTooLongError
from neo.llm.tiers import ChosenModel

_WENT_WRONG = (
    Reported,
    UnreadableError,
    EventTooLongError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    TimeoutError,
)


async def responses_answer(
    lines: Lines, chosen: ChosenModel, prompt: Prompt, previous_response_id: str | None
) -> AsyncGenerator[Piece, None]:
    body = responses_request(chosen, prompt, previous_response_id)
    patience = Patience(lines.settings, thinks=thinks(chosen))
    reading = ResponsesReading(chosen.name)
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(patience.seconds(has_text=False)):
                response = await stack.enter_async_context(_opened(lines, chosen, body))
            chunks = await stack.enter_async_context(aclosing(response.aiter_bytes()))
            stack.enter_context(lines.rests.one_more())
            bound = stack.enter_context(Bound())
            listening = Listening(chunks, reading, patience, lines.rests, bound)
            while not reading.is_over:
                events = await listening.events()
                for piece in reading.hear(events):
                    yield piece
            await listening.read_to_the_end()
        # The connection is back in the pool before the caller hears the end and starts the next call.
        yield reading.completed()
    except _WENT_WRONG as error:
        raise failure(error, is_continued=previous_response_id is not None) from error


@asynccontextmanager
async def _opened(lines: Lines, chosen: ChosenModel, body: bytes) -> AsyncIterator[httpx2.Response]:
    client, place = lines.client(chosen.provider), lines.responses_place(chosen.provider)
    request = client.build_request(
        "POST", place.url, headers=place.headers, content=body, timeout=_without_read(client.timeout)
    )
    response = await client.send(request, stream=True)
    async with aclosing(response):
        if not response.is_success:
            raise await reported_by(response)
        yield response


def _without_read(timeout: httpx2.Timeout) -> httpx2.Timeout:
    """What is read is timed here throughout; the client would set its own clock anew for each piece."""
    return httpx2.Timeout(connect=timeout.connect, read=None, write=timeout.write, pool=timeout.pool)
