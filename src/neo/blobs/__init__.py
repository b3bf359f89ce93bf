"""Where uploaded bytes are kept: a folder, Azure Blob, S3 or Google Cloud Storage.

One object at a time, by path. A large object store signs its own URLs, so that bytes need not pass through
Neo; for a folder whoever serves it has to. Whatever a store says in its own errors is told to the log only.
"""

from neo.blobs.errors import BlobChanged, BlobNotFound, BlobStoreUnavailable
from neo.blobs.place import BlobAccess, BlobPlace, BlobUrlInvalid
from neo.blobs.store import Blob, BlobStore

__all__ = [
    "Blob",
    "BlobAccess",
    "BlobChanged",
    "BlobNotFound",
    "BlobPlace",
    "BlobStore",
    "BlobStoreUnavailable",
    "BlobUrlInvalid",
]
