"""The normalised images that a model is shown: made once, in the turn, and stored under a path that never changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from neo.attachments.errors import AttachmentInvalid
from neo.attachments.images.header import ImageUnreadable
from neo.attachments.images.normaliser import Normalised, Normaliser
from neo.attachments.limits import IMAGE_BYTES_MAX
from neo.attachments.models import Attachment
from neo.attachments.store import AttachmentStore
from neo.blobs import BlobChanged, BlobNotFound, BlobStore
from neo.cage import CageLacking
from neo.db import Database

log = structlog.get_logger()

# More bytes than any normalised image has.
KEPT_BYTES_MAX = 2 * IMAGE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Picture:
    """One attachment as a model is shown it."""

    message_id: UUID
    filename: str | None
    alt: str | None
    mime: str
    data: bytes = field(repr=False)


class Pixels:
    def __init__(self, database: Database, blobs: BlobStore | None, normaliser: Normaliser) -> None:
        self._database = database
        self._blobs = blobs
        self._normaliser = normaliser

    async def prepare(self, tenant_id: UUID, message_id: UUID) -> list[Picture]:
        """The pictures of a new message; raises `AttachmentInvalid` when one cannot be decoded or was changed."""
        blobs = self._needed()
        found = await self._rows(tenant_id, [message_id])
        return [await self._prepare(blobs, attachment) for attachment in found]

    async def earlier(
        self, tenant_id: UUID, message_ids: Sequence[UUID], *, pictures_max: int
    ) -> list[Picture]:
        """The newest pictures of these messages, newest message first; pictures whose bytes are gone are left out."""
        blobs = self._blobs
        if blobs is None:
            return []
        order = {message_id: place for place, message_id in enumerate(message_ids)}
        rows = [row for row in await self._rows(tenant_id, message_ids) if row.stored_path]
        rows.sort(key=lambda row: (order[_message(row)], row.position))
        pictures = []
        for row in rows[:pictures_max]:
            try:
                pictures.append(await self._kept(blobs, row))
            except BlobNotFound:
                log.warning("attachment_is_gone", attachment_id=str(row.id))
        return pictures

    async def described(self, tenant_id: UUID, message_ids: Sequence[UUID]) -> list[Picture]:
        """All the pictures of these messages, without their bytes."""
        rows = await self._rows(tenant_id, message_ids)
        return [_picture(row, row.stored_mime or "", b"") for row in rows]

    async def _rows(self, tenant_id: UUID, message_ids: Sequence[UUID]) -> Sequence[Attachment]:
        async with self._database.transaction(tenant_id) as db:
            return await AttachmentStore(db, tenant_id).of_messages(message_ids)

    async def _prepare(self, blobs: BlobStore, attachment: Attachment) -> Picture:
        if attachment.stored_path is not None:
            return await self._kept(blobs, attachment)
        try:
            async with self._normaliser.slot(attachment.tenant_id):
                upload = await blobs.read(
                    attachment.blob_path, bytes_max=IMAGE_BYTES_MAX, etag=attachment.etag
                )
                normalised = await self._normaliser.normalise(upload.data)
        except (BlobNotFound, BlobChanged, ImageUnreadable) as error:
            log.warning("attachment_not_normalised", attachment_id=str(attachment.id), cause=str(error))
            raise AttachmentInvalid(
                "An attached image cannot be read, or was changed after it was sent. Please send it again."
            ) from error
        except CageLacking as error:
            log.exception("cage_lacking", attachment_id=str(attachment.id))
            raise AttachmentInvalid(
                "Attached images cannot be read on this server now. Its operator finds the reason in its log."
            ) from error
        await self._keep(blobs, attachment, normalised)
        return _picture(attachment, normalised.mime, normalised.data)

    async def _keep(self, blobs: BlobStore, attachment: Attachment, normalised: Normalised) -> None:
        path = f"{attachment.tenant_id}/{attachment.session_id}/normalised/{attachment.id}"
        # An earlier attempt may have stored it already: the same upload gives the same pixels.
        await blobs.put_new(path, normalised.data, mime=normalised.mime)
        async with self._database.transaction(attachment.tenant_id) as db:
            await AttachmentStore(db, attachment.tenant_id).keep(
                attachment.id,
                stored_path=path,
                stored_mime=normalised.mime,
                stored_bytes=len(normalised.data),
                width=normalised.width,
                height=normalised.height,
            )

    async def _kept(self, blobs: BlobStore, attachment: Attachment) -> Picture:
        blob = await blobs.read(attachment.stored_path or "", bytes_max=KEPT_BYTES_MAX)
        return _picture(attachment, attachment.stored_mime or "", blob.data)

    def _needed(self) -> BlobStore:
        if self._blobs is None:
            raise AttachmentInvalid("Attached images cannot be read on this server any more.")
        return self._blobs


def _picture(attachment: Attachment, mime: str, data: bytes) -> Picture:
    return Picture(_message(attachment), attachment.filename, attachment.alt, mime, data)


def _message(attachment: Attachment) -> UUID:
    if attachment.message_id is None:
        raise RuntimeError("An attachment without a message has nothing to be shown with.")
    return attachment.message_id
