"""Attaches uploads to a message, in the transaction that stores the message."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.attachments.inspecting import Inspected, not_found
from neo.attachments.names import shown_name
from neo.attachments.store import AttachmentStore


async def attach(db: AsyncSession, tenant_id: UUID, message_id: UUID, inspected: Sequence[Inspected]) -> None:
    """Attach each upload as it was inspected; refuses one that was used or removed meanwhile."""
    store = AttachmentStore(db, tenant_id)
    for index, one in enumerate(inspected):
        is_mine = await store.attach(
            one.attachment.id,
            message_id,
            position=index,
            size_bytes=one.size_bytes,
            etag=one.etag,
            width=one.width,
            height=one.height,
            alt=one.cited.alt or None,
            filename=shown_name(one.cited.filename) or one.attachment.filename,
        )
        if not is_mine:
            raise not_found(index)
