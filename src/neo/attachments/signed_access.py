"""What the holder of a signed URL may do with the folder of blobs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from neo.access import MINTING_ROLES, TALKING_ROLES, CallerKind, InvalidSignature, Permit, Role, UrlSigner
from neo.attachments.errors import AttachmentsNotConfigured
from neo.attachments.images.header import sniffed
from neo.attachments.store import AttachmentStore
from neo.attachments.transfers import (
    PROCESS_READS_MAX,
    SESSION_READS_MAX,
    TENANT_READS_MAX,
    Transfers,
    TransfersMax,
    Whose,
    received,
)
from neo.attachments.urls import READ, UPLOAD, upload_named
from neo.blobs import BlobStore
from neo.db import Database

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Reading:
    """A blob that is being read, with the type that was recognised from its first bytes."""

    mime: str
    filename: str
    size: int
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Granted:
    """An upload that may be sent now."""

    id: UUID
    path: str
    whose: Whose


class SignedBlobAccess:
    """`app.state.signed_blobs`."""

    def __init__(
        self, database: Database, blobs: BlobStore | None, signer: UrlSigner, uploads: TransfersMax
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._signer = signer
        self._uploads = Transfers(uploads)
        self._reads = Transfers(TransfersMax(SESSION_READS_MAX, TENANT_READS_MAX, PROCESS_READS_MAX))

    async def granted(self, path: str, mime: str, query: bytes) -> Granted:
        """Raises `InvalidSignature` unless an upload to this path with this type was granted, by who may still post."""
        self._signer.check(UPLOAD, upload_named(path, mime), query)
        self._open()
        found = await self._database.call("neo_find_granted_upload", path, TALKING_ROLES, MINTING_ROLES)
        if not found:
            raise InvalidSignature(
                "Nothing may be uploaded here any more: its session was archived, who asked for the URL lost their "
                "access, or a message has the image."
            )
        tenant_id, session_id, upload_id, kind, role = found[0].values()
        whose = Whose(tenant_id, session_id, CallerKind(kind) if kind else None, Role(role) if role else None)
        return Granted(upload_id, path, whose)

    def permit_for(self, upload: Granted) -> Permit:
        return self._uploads.permit_for(upload.whose, upload.path)

    async def upload(self, upload: Granted, mime: str, query: bytes, pieces: AsyncIterator[bytes]) -> str:
        """Store the bytes in place of an earlier upload, and return their ETag."""
        blobs = self._open()
        async with blobs.incoming(upload.path) as incoming:
            size = await received(pieces, incoming.write)
            # The sender decides how long the bytes take, and what was granted may be over by then.
            await self.granted(upload.path, mime, query)
            async with self._database.transaction(upload.whose.tenant_id) as db:
                await AttachmentStore(db, upload.whose.tenant_id).note_uploaded(upload.id, size)
            await incoming.keep()
        return await blobs.etag(upload.path)

    def check_read(self, named: str, query: bytes) -> Permit:
        """The permission to read what the URL was signed for."""
        self._signer.check(READ, named, query)
        tenant_id, session_id, *_ = named.split("/")
        return self._reads.permit_for(Whose(UUID(tenant_id), UUID(session_id)))

    async def read(self, named: str) -> Reading:
        path, _, filename = named.rpartition("/")
        found = await self._open().open(path)
        first = await anext(found.pieces, b"")
        return Reading(sniffed(first) or UNKNOWN_TYPE, filename, found.size, _rejoined(first, found.pieces))

    def _open(self) -> BlobStore:
        if self._blobs is None:
            raise AttachmentsNotConfigured
        return self._blobs


async def _rejoined(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        yield piece
