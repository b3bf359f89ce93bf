"""Pages of rows that may be long are read a few at a time: each holds a connection, and the loop while it is made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from starlette.requests import Request

from neo.api.large.asked import Asked
from neo.api.large.sender import Sender, sender_of
from neo.errors import Failure, Kind
from neo.kit import FairSlots

# Of all tenants. Most pages are small and take some ten milliseconds.
AT_ONCE = 4
# Of one tenant, so that another one's need not wait for it.
AT_ONCE_EACH = 2
# Of one tenant, those that are read among them: people who open their chats at once are not refused. Small ones are
# through in half a second; whoever asks for large ones is refused by the wait.
ASKED_MAX = 88
# Not longer than clients wait.
WAIT_SECONDS = 5.0


class TooManyLongPages(Failure):
    """Your tenant waits for eighty-eight pages of messages or end companies already, or has waited for five seconds.
    End users are refused when it is sixty-six, Admins when it is ninety-seven.
    """

    kind = Kind.RATE_LIMITED
    code = "too_many_long_pages"
    remedy = "Ask for pages one after the other."


class LongPages:
    def __init__(self) -> None:
        self._slots = FairSlots(AT_ONCE, each=AT_ONCE_EACH)
        self._asked = Asked(ASKED_MAX, _too_many)

    @asynccontextmanager
    async def turn(self, sender: Sender) -> AsyncIterator[None]:
        """Wait for this tenant's turn, which lasts as long as the block."""
        with self._asked.one_more(sender):
            await self._wait(sender.tenant_id)
            try:
                yield
            finally:
                self._slots.give_back(sender.tenant_id)

    async def _wait(self, tenant_id: UUID) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._slots.take(tenant_id)
        except TimeoutError as error:
            raise _too_many() from error


@asynccontextmanager
async def long_page(request: Request) -> AsyncIterator[None]:
    """Around the reading of a page, and the making of its answer."""
    pages: LongPages = request.app.state.long_pages
    async with pages.turn(sender_of(request)):
        yield


def _too_many() -> TooManyLongPages:
    return TooManyLongPages("Too many pages at once: wait for the answers.", retry_after_seconds=1)
