"""Of one tenant a few pages are read at once, so many wait, and each of its callers is refused at their own share."""

import asyncio
from uuid import uuid4

from neo.api import LongPages, Sender
from neo.api.large.pages import ASKED_MAX, AT_ONCE, AT_ONCE_EACH, TooManyLongPages


class Reading:
    """Pages of one tenant that are read until they may end."""

    def __init__(self, pages: LongPages) -> None:
        self._pages = pages
        self.tenant_id = uuid4()
        self.reads = 0
        self.may_end = asyncio.Event()

    async def page(self, percent: int = 100) -> None:
        async with self._pages.turn(Sender(self.tenant_id, lambda most: most * percent // 100)):
            self.reads += 1
            await self.may_end.wait()


async def test_one_tenants_pages_leave_room_for_anothers_and_an_admins() -> None:
    pages = LongPages()
    loud, quiet = Reading(pages), Reading(pages)
    asked = [asyncio.create_task(loud.page(75)) for _ in range(ASKED_MAX)]
    await asyncio.sleep(0)

    theirs = asyncio.create_task(quiet.page())
    admins = asyncio.create_task(loud.page(110))
    await asyncio.sleep(0)
    at_first = (loud.reads, quiet.reads)
    loud.may_end.set()
    quiet.may_end.set()
    ended = await asyncio.gather(*asked, return_exceptions=True)
    await asyncio.gather(theirs, admins)

    assert at_first == (AT_ONCE_EACH, 1)
    assert AT_ONCE_EACH < AT_ONCE
    assert [type(one) for one in ended if one] == [TooManyLongPages] * (ASKED_MAX // 4)
