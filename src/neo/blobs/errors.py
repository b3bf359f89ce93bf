from typing import ClassVar

from neo.errors import Edge, Failure, Kind

RETRY_AFTER_SECONDS = 5


class BlobNotFound(Failure):
    """Nothing is stored where a signed URL leads."""

    kind = Kind.NOT_FOUND
    code = "blob_not_found"
    remedy = "Read the messages again for a new URL."

    def __init__(self) -> None:
        super().__init__("There is nothing here, or not any more.")


class BlobChanged(Failure):
    """An upload is not what it was when its message was accepted: the turn fails with `attachment_invalid`."""

    kind = Kind.CONFLICT
    code = "blob_changed"
    remedy = ""
    edges = (Edge.LOG,)

    def __init__(self) -> None:
        super().__init__("What is stored here has changed.")


class BlobStoreUnavailable(Failure):
    """The store of attachments does not answer."""

    kind = Kind.UNAVAILABLE
    code = "blob_store_unavailable"
    remedy = "Try again, after `Retry-After` where there is one."
    edges = (Edge.API, Edge.TURN)
    # By Temporal: the step is run again.
    retryable: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__(
            "The store of attachments cannot be reached at the moment. Try again.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
