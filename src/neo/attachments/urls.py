"""Signed URLs: one to put an upload to, one to read an attachment from. Each is valid for minutes."""

import time
from urllib.parse import quote

from neo.access import UrlSigner
from neo.attachments.errors import AttachmentsNotConfigured
from neo.attachments.models import Attachment
from neo.attachments.names import saved_name
from neo.blobs import BlobStore

PATH = "/public-api/blobs"
UPLOAD_SECONDS = 600
READ_SECONDS = 900
UPLOAD, READ = "upload", "read"


class BlobUrls:
    """The store's own URLs where it signs them, ours otherwise.

    Ours begin with `public_url`; without one, with `base_url`, the address that the request came to.
    """

    def __init__(self, blobs: BlobStore | None, signer: UrlSigner, public_url: str | None) -> None:
        self._blobs = blobs
        self._signer = signer
        self._public_url = public_url

    def check_configured(self) -> BlobStore:
        if self._blobs is None:
            raise AttachmentsNotConfigured
        return self._blobs

    async def for_upload(self, base_url: str, path: str, mime: str, *, until: float | None = None) -> str:
        """`until`: when the credential ends that asks for it, in epoch seconds. The URL ends no later."""
        blobs = self.check_configured()
        left = UPLOAD_SECONDS if until is None else int(until - time.time())
        seconds = max(1, min(left, UPLOAD_SECONDS))
        if blobs.signs:
            return await blobs.signed_url("PUT", path, seconds=seconds)
        query = self._signer.sign(UPLOAD, upload_named(path, mime), seconds=seconds)
        return self._own(base_url, path, query)

    async def for_reading(self, base_url: str, attachment: Attachment) -> str:
        """A URL to the stored pixels, empty until they are stored: nobody is given an upload as it was sent."""
        path = attachment.stored_path
        if path is None:
            return ""
        filename = saved_name(attachment.filename, attachment.stored_mime or "")
        return await self.for_download(base_url, path, filename)

    async def for_download(self, base_url: str, path: str, filename: str) -> str:
        """A URL to what is stored there, to be saved under this name; empty where nothing is stored at all."""
        if self._blobs is None:
            return ""
        if self._blobs.signs:
            return await self._blobs.signed_url("GET", path, seconds=READ_SECONDS)
        named = f"{path}/{filename}"
        query = self._signer.sign(READ, named, seconds=READ_SECONDS)
        return self._own(base_url, named, query)

    def _own(self, base_url: str, path: str, query: str) -> str:
        return f"{(self._public_url or base_url).rstrip('/')}{PATH}/{quote(path)}?{query}"


def upload_named(path: str, mime: str) -> str:
    """What an upload's signature covers: the path and the type, so that no other type is uploaded."""
    return f"{path}\n{mime}"
