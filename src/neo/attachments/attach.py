"""Attaches uploads to a message, in the transaction that stores the message."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.attachments.errors import storage_exceeded
from neo.attachments.inspecting import Inspected, not_found
from neo.attachments.names import shown_name
from neo.attachments.store import AttachmentStore


async def attach(
    db: AsyncSession,
    tenant_id: UUID,
    message_id: UUID,
    inspected: Sequence[Inspected],
    *,
    kept_bytes_max: int,
) -> None:
    """Attach each upload as it was inspected; refuses one that was used or removed meanwhile, and those that
    take up more than their sender may have (0: no limit). Of a store that signs its own URLs it is not known before.
    """
    store = AttachmentStore(db, tenant_id)
    if inspected and kept_bytes_max:
        others = await store.kept_bytes(without=[one.attachment.id for one in inspected])
        if others + sum(one.size_bytes for one in inspected) > kept_bytes_max:
            raise storage_exceeded(kept_bytes_max)
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
