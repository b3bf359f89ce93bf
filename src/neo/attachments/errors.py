"""Why an upload or an attachment is refused."""

from neo.errors import Edge, Failure, Kind

BUSY_SECONDS = 5
# Unused grants go within a day, and a tenant that is full has something to look after first.
QUOTA_SECONDS = 3600


class AttachmentsNotConfigured(Failure):
    """The server has no store for attachments."""

    kind = Kind.UNAVAILABLE
    code = "attachments_not_configured"
    remedy = "Send text, or ask the operator to set `NEO_BLOB_URL`."

    def __init__(self) -> None:
        super().__init__("This server keeps no attachments. Its operator sets NEO_BLOB_URL to change that.")


class AttachmentTypeUnsupported(Failure):
    """Attachments are PNG, JPEG, GIF and WebP images."""

    kind = Kind.INVALID
    code = "attachment_type_unsupported"
    remedy = "Convert it."


class UploadQuotaExceeded(Failure):
    """Too many uploads of the session (`NEO_UPLOADS_UNUSED_PER_SESSION`) or of the tenant (`NEO_UPLOADS_UNUSED_MAX`)
    are unused, or its attachments and artifacts take up too much (`NEO_STORAGE_BYTES_MAX`).
    """

    kind = Kind.RATE_LIMITED
    code = "upload_quota_exceeded"
    remedy = "Use what was granted, or wait: unused uploads go after a day."


class TooManyTransfers(Failure):
    """Too many uploads or images of the session or of the tenant are on their way at once
    (`NEO_UPLOADS_PER_TENANT`), or one to the same URL is.
    """

    kind = Kind.RATE_LIMITED
    code = "too_many_transfers"
    remedy = "Wait for one to end."


class TransfersFull(Failure):
    """The process has as many uploads or images on their way as it can hold (`NEO_UPLOADS_PER_PROCESS`)."""

    kind = Kind.UNAVAILABLE
    code = "transfers_full"
    remedy = "Try again, after `Retry-After`."

    def __init__(self) -> None:
        super().__init__(
            "This server has as many images on their way as it can hold: try again.",
            retry_after_seconds=BUSY_SECONDS,
        )


class TooManyAttachments(Failure):
    """A message has at most 6 attachments."""

    kind = Kind.INVALID
    code = "too_many_attachments"
    remedy = "Send several messages."


class AttachmentRepeated(Failure):
    """The same `blob_path` twice in one message."""

    kind = Kind.INVALID
    code = "attachment_repeated"
    remedy = "Name it once."


class AttachmentNotFound(Failure):
    """The `blob_path` was not granted to this session, a message has used it, or its day is over."""

    kind = Kind.INVALID
    code = "attachment_not_found"
    remedy = "Ask for a new grant and upload again."


class AttachmentNotUploaded(Failure):
    """Nothing was uploaded to the granted URL yet."""

    kind = Kind.INVALID
    code = "attachment_not_uploaded"
    remedy = "Upload, then post."


class AttachmentTooLarge(Failure):
    """An image has more than 10 MiB."""

    kind = Kind.TOO_LARGE
    code = "attachment_too_large"
    remedy = "Make it smaller."


class AttachmentTypeMismatch(Failure):
    """The content is not of the type that was granted, or `mime` is another one."""

    kind = Kind.INVALID
    code = "attachment_type_mismatch"
    remedy = "Ask for a grant of the real type."


class AttachmentInvalid(Failure):
    """The image is broken, was changed after it was sent, has more than 25 million pixels or 20 frames, or the model's
    provider cannot use it.
    """

    kind = Kind.INVALID
    code = "attachment_invalid"
    remedy = "Make it smaller, or save it anew."
    edges = (Edge.API,)


class UploadBroken(Failure):
    """The bytes of an upload broke off, came too slowly (less than 40 KiB in 10 s), or took more than two minutes."""

    kind = Kind.MALFORMED
    code = "upload_broken"
    remedy = "Send them again."


def quota_exceeded(what: str) -> UploadQuotaExceeded:
    return UploadQuotaExceeded(f"A quota is used up: {what}.", retry_after_seconds=QUOTA_SECONDS)


def storage_exceeded(kept_bytes_max: int) -> UploadQuotaExceeded:
    return quota_exceeded(f"this tenant's attachments and artifacts may take up {kept_bytes_max} bytes")
