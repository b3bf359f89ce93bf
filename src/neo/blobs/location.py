"""Where blobs are stored, and with which credentials."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from neo.errors import Edge, Failure, Kind

Scheme = Literal["az", "s3", "gs", "file"]
FORMS = "az://account/container, s3://bucket/prefix, gs://bucket/prefix or file:///folder"


class BlobUrlInvalid(Failure):
    """`NEO_BLOB_URL` is not an address of a store."""

    kind = Kind.INVALID
    code = "blob_url_invalid"
    remedy = "Write it in one of the forms that the message names."
    edges = (Edge.COMMAND_LINE,)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobAccess:
    """Keys and addresses; without a key the machine's own identity is used, where the cloud gives it one."""

    endpoint: str | None = None
    """Another address of the store: an emulator, or one that is compatible."""
    azure_key: str | None = field(default=None, repr=False)
    s3_key_id: str | None = None
    s3_key: str | None = field(default=None, repr=False)
    s3_region: str = "us-east-1"
    gcs_key: str | None = field(default=None, repr=False)
    """A service account's key, as JSON."""


@dataclass(frozen=True, slots=True)
class BlobLocation:
    scheme: Scheme
    name: str
    """The bucket, the container or the folder."""
    prefix: str | None = None
    account: str | None = None

    @classmethod
    def parse(cls, url: str) -> "BlobLocation":
        parts = urlsplit(url)
        steps = [step for step in unquote(parts.path).split("/") if step]
        if parts.query or parts.fragment or ".." in steps:
            raise _invalid(url)
        match parts.scheme, parts.netloc, steps:
            case "file", "", [_, *_]:
                return cls("file", unquote(parts.path))
            case "az", account, [container, *prefix] if account:
                return cls("az", container, "/".join(prefix) or None, account)
            case "s3", bucket, prefix if bucket:
                return cls("s3", bucket, "/".join(prefix) or None)
            case "gs", bucket, prefix if bucket:
                return cls("gs", bucket, "/".join(prefix) or None)
        raise _invalid(url)


def _invalid(url: str) -> BlobUrlInvalid:
    return BlobUrlInvalid(f"NEO_BLOB_URL is {url!r}. Write {FORMS}.")
