from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from neo.access import Principal
from neo.api import InvalidPage, Page, moment_before, next_cursor, read_page_token
from neo.channels.models import Channel, ChannelInstall
from neo.kit import find_guid


def channels_before(caller: Principal, page: Page) -> tuple[datetime, UUID] | None:
    return moment_before(_channels(caller), page)


def next_channels(caller: Principal, page: Page, found: Sequence[Channel]) -> str | None:
    return next_cursor(
        _channels(caller), page, found, lambda channel: (channel.created_at.isoformat(), channel.id)
    )


def installs_after(channel_id: UUID, page: Page) -> UUID | None:
    if page.cursor is None:
        return None
    [text] = read_page_token(_installs(channel_id), page.cursor, 1)
    found = find_guid(text)
    if found is None:
        raise InvalidPage("Pass `next_cursor` of the page before, unchanged.")
    return found


def next_installs(channel_id: UUID, page: Page, found: Sequence[ChannelInstall]) -> str | None:
    return next_cursor(_installs(channel_id), page, found, lambda install: (install.end_client_tenant_id,))


def _channels(caller: Principal) -> str:
    # The tenant is in the cursor, so that one tenant's cursor is refused to another.
    return f"channels:{caller.tenant_id}"


def _installs(channel_id: UUID) -> str:
    return f"installs:{channel_id}"
