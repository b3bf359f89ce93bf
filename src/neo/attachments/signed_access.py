"""What the holder of a signed URL may do with the folder of blobs."""

from dataclasses import dataclass, field

from neo.access import UrlSigner
from neo.attachments.errors import AttachmentsNotConfigured, AttachmentTooLarge
from neo.attachments.images.header import sniffed
from neo.attachments.limits import IMAGE_BYTES_MAX
from neo.attachments.urls import READ, UPLOAD, upload_named
from neo.blobs import BlobStore

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Reading:
    """A blob with the type that was recognised from its bytes."""

    mime: str
    filename: str
    data: bytes = field(repr=False)


class SignedBlobAccess:
    """`app.state.signed_blobs`."""

    def __init__(self, blobs: BlobStore | None, signer: UrlSigner) -> None:
        self._blobs = blobs
        self._signer = signer

    def check_upload(self, path: str, mime: str, query: bytes) -> None:
        """Raises `InvalidSignature` unless an upload to this path with this type was granted."""
        self._signer.check(UPLOAD, upload_named(path, mime), query)

    async def upload(self, path: str, data: bytes) -> str:
        """Store the bytes in place of an earlier upload, and return their ETag."""
        return await self._open().replace(path, data)

    async def read(self, named: str, query: bytes) -> Reading:
        self._signer.check(READ, named, query)
        path, _, filename = named.rpartition("/")
        blob = await self._open().read(path, bytes_max=IMAGE_BYTES_MAX)
        return Reading(sniffed(blob.data) or UNKNOWN_TYPE, filename, blob.data)

    def _open(self) -> BlobStore:
        if self._blobs is None:
            raise AttachmentsNotConfigured
        return self._blobs


def too_large() -> AttachmentTooLarge:
    return AttachmentTooLarge(f"An image has at most {IMAGE_BYTES_MAX} bytes.")
