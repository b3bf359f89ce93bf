from neo.errors import Failure, Kind

RETRY_AFTER_SECONDS = 5


class BlobNotFound(Failure):
    """Nothing is stored under this path."""

    kind = Kind.NOT_FOUND
    code = "blob_not_found"

    def __init__(self) -> None:
        super().__init__("There is nothing here, or not any more.")


class BlobChanged(Failure):
    """What is stored is not what it was when its ETag was noted."""

    kind = Kind.CONFLICT
    code = "blob_changed"

    def __init__(self) -> None:
        super().__init__("What is stored here has changed.")


class BlobStoreUnavailable(Failure):
    kind = Kind.UNAVAILABLE
    code = "blob_store_unavailable"

    def __init__(self) -> None:
        super().__init__(
            "The store of attachments cannot be reached at the moment. Try again.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
