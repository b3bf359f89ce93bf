from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from obstore import sign_async
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import AzureStore, GCSStore, S3Store

from neo.blobs.errors import BlobChanged, BlobNotFound, BlobStoreUnavailable
from neo.blobs.location import BlobAccess, BlobLocation
from neo.blobs.open import open_store

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ObjectStore

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Blob:
    """The bytes that were read, with the size and the ETag of the whole object."""

    size: int
    etag: str
    data: bytes = field(repr=False)


class BlobStore:
    def __init__(self, location: BlobLocation, access: BlobAccess) -> None:
        self._location = location
        self._access = access

    @property
    def signs(self) -> bool:
        """Whether the store can sign URLs of its own."""
        return self._location.scheme != "file"

    async def signed_url(self, method: Literal["GET", "PUT"], path: str, *, seconds: int) -> str:
        """A URL of the store's own for this one object and method."""
        store = self._store
        if not isinstance(store, AzureStore | S3Store | GCSStore):
            raise TypeError("A folder has no URLs of its own.")
        with _mapped():
            return await sign_async(store, method, path, timedelta(seconds=seconds))

    async def read(self, path: str, *, bytes_max: int, etag: str | None = None) -> Blob:
        """Read at most the first `bytes_max` bytes; with an ETag, only of that version."""
        options: GetOptions = {"if_match": etag} if etag else {}
        data = bytearray()
        with _mapped():
            found = await self._store.get_async(path, options=options)
            async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                data += memoryview(chunk)
                if len(data) >= bytes_max:
                    break
        return Blob(found.meta["size"], found.meta["e_tag"] or "", bytes(data[:bytes_max]))

    async def put_new(self, path: str, data: bytes, *, mime: str) -> bool:
        """Store bytes that never change; false when the path is taken already."""
        try:
            with _mapped():
                await self._store.put_async(
                    path,
                    data,
                    mode="create",
                    attributes=self._attributes(mime),
                    use_multipart=False,
                )
        except AlreadyExistsError:
            return False
        return True

    async def replace(self, path: str, data: bytes) -> str:
        """Store the bytes in place of what is there, and return their ETag."""
        with _mapped():
            stored = await self._store.put_async(path, data, use_multipart=False)
        return stored["e_tag"] or ""

    async def delete(self, path: str) -> None:
        """Delete what is under the path, if anything."""
        try:
            with _mapped():
                await self._store.delete_async(path)
        except BlobNotFound:
            return

    def _attributes(self, mime: str) -> dict[str, str] | None:
        # A folder cannot store a content type; the route that serves the bytes recognises it.
        return {"Content-Type": mime, "Content-Disposition": "attachment"} if self.signs else None

    @cached_property
    def _store(self) -> "ObjectStore":
        return open_store(self._location, self._access)


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise BlobNotFound from error
    except PreconditionError as error:
        raise BlobChanged from error
    except AlreadyExistsError:
        raise
    except (BaseError, OSError) as error:
        raise BlobStoreUnavailable from error
