import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from obstore import head_async, sign_async
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import AzureStore, GCSStore, S3Store

from neo.blobs.errors import BlobChanged, BlobNotFound, BlobStoreUnavailable
from neo.blobs.incoming import Incoming, discard_leftovers
from neo.blobs.location import BlobAccess, BlobLocation
from neo.blobs.open import open_store

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import ObjectStore

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Blob:
    """The bytes that were read, with the size and the ETag of the whole object."""

    size: int
    etag: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenBlob:
    """An object that is read piece by piece; each piece but the last has at least `CHUNK_BYTES`."""

    size: int
    pieces: AsyncIterator[bytes]


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

    async def open(self, path: str) -> OpenBlob:
        """Read it piece by piece: no more than one is in memory."""
        with _mapped():
            found = await self._store.get_async(path)
        return OpenBlob(found.meta["size"], _pieces(found))

    async def size(self, path: str) -> int | None:
        """How many bytes are stored there, if any are."""
        try:
            with _mapped():
                return (await head_async(self._store, path))["size"]
        except BlobNotFound:
            return None

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

    @asynccontextmanager
    async def incoming(self, path: str) -> AsyncIterator[Incoming]:
        """Bytes that come piece by piece into the folder, for a path that is Neo's own."""
        with _mapped():
            bytes_in = await asyncio.to_thread(Incoming, self._folder, path)
            try:
                yield bytes_in
            finally:
                await bytes_in.discard()

    async def etag(self, path: str) -> str:
        with _mapped():
            return (await head_async(self._store, path))["e_tag"] or ""

    async def discard_leftovers(self, older_than: timedelta) -> None:
        """What came into the folder and was never finished."""
        if not self.signs:
            await asyncio.to_thread(discard_leftovers, self._folder, older_than)

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

    @property
    def _folder(self) -> Path:
        if self.signs:
            raise TypeError("Bytes go to a store that signs URLs without Neo.")
        # It is made when the store is opened.
        assert self._store is not None  # noqa: S101
        return Path(self._location.name)

    @cached_property
    def _store(self) -> "ObjectStore":
        return open_store(self._location, self._access)


async def _pieces(found: "GetResult") -> AsyncIterator[bytes]:
    with _mapped():
        async for piece in found.stream(min_chunk_size=CHUNK_BYTES):
            yield bytes(memoryview(piece))


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
