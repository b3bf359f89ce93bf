"""Where uploaded bytes are kept: a folder, Azure Blob, S3 or Google Cloud Storage.

One object at a time, by path. A large object store signs its own URLs, so that bytes need not pass through
Neo; a folder cannot, so Neo serves its bytes. The text of a store's own errors goes to the log only.
"""

from neo.blobs.errors import BlobChanged, BlobNotFound, BlobStoreUnavailable
from neo.blobs.location import BlobAccess, BlobLocation, BlobUrlInvalid
from neo.blobs.store import Blob, BlobStore, OpenBlob

__all__ = [
    "Blob",
    "BlobAccess",
    "BlobChanged",
    "BlobLocation",
    "BlobNotFound",
    "BlobStore",
    "BlobStoreUnavailable",
    "BlobUrlInvalid",
    "OpenBlob",
]
