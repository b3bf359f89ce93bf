"""Inspects uploads before a message is accepted with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neo.attachments.errors import (
    AttachmentInvalid,
    AttachmentNotFound,
    AttachmentNotUploaded,
    AttachmentTooLarge,
    AttachmentTypeMismatch,
)
from neo.attachments.images.header import HeaderIncomplete, ImageUnreadable, read_header, sniffed
from neo.attachments.limits import IMAGE_BYTES_MAX
from neo.attachments.models import Attachment
from neo.blobs import Blob, BlobChanged, BlobNotFound, BlobStore
from neo.errors import Failure

# Most images have their type and size within these bytes; of the others the whole is read.
BEGINNING_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Cited:
    """An attachment as the sender of a message names it."""

    blob_path: str
    mime: str
    alt: str | None
    filename: str | None


@dataclass(frozen=True, slots=True)
class Inspected:
    """An inspected upload: its row, and the values that it must still have when the turn reads it."""

    attachment: Attachment
    cited: Cited
    size_bytes: int
    etag: str
    width: int
    height: int


class Inspector:
    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    async def inspect(self, cited: Sequence[Cited], issued: Mapping[str, Attachment]) -> list[Inspected]:
        """Each cited upload, or a refusal that names the first one at fault.

        `issued` are the session's own rows that no message has yet: a path counts only if it is one of them.
        """
        for index, one in enumerate(cited):
            if one.blob_path not in issued:
                raise not_found(index)
        return [await self._look(index, one, issued[one.blob_path]) for index, one in enumerate(cited)]

    async def _look(self, index: int, cited: Cited, attachment: Attachment) -> Inspected:
        try:
            blob = await self._blobs.read(attachment.blob_path, bytes_max=BEGINNING_BYTES)
            if blob.size > IMAGE_BYTES_MAX:
                raise _at(index, AttachmentTooLarge, f"has more than {IMAGE_BYTES_MAX} bytes")
            return await self._checked(index, cited, attachment, blob)
        except BlobChanged as error:
            raise _at(index, AttachmentInvalid, "was changed while it was looked at") from error
        except BlobNotFound as error:
            raise _at(index, AttachmentNotUploaded, "has not been uploaded") from error
        except ImageUnreadable as error:
            raise _at(index, AttachmentInvalid, f"is no image that can be taken: {error}") from error

    async def _checked(self, index: int, cited: Cited, attachment: Attachment, blob: Blob) -> Inspected:
        real = sniffed(blob.data)
        if not cited.mime == attachment.mime == real:
            problem = f"was granted as {attachment.mime}; `mime` and the content must be that too"
            raise _at(index, AttachmentTypeMismatch, problem)
        try:
            header = read_header(blob.data)
        except HeaderIncomplete:
            if len(blob.data) == blob.size:
                raise
            blob = await self._blobs.read(attachment.blob_path, bytes_max=blob.size, etag=blob.etag)
            header = read_header(blob.data)
        return Inspected(attachment, cited, blob.size, blob.etag, header.width, header.height)


def not_found(index: int) -> Failure:
    """One failure for an unknown path, another session's, and an earlier message's, so that none can be told apart."""
    return _at(index, AttachmentNotFound, "is not an unused `blob_path` of this session")


def _at(index: int, failure: type[Failure], problem: str) -> Failure:
    return failure(
        f"Attachment {index + 1} {problem}.", details={"fields": {f"attachments.{index}": problem}}
    )
