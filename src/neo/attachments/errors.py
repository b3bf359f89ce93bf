"""Why an upload or an attachment is refused."""

from neo.errors import Failure, Kind


class AttachmentsNotConfigured(Failure):
    kind = Kind.UNAVAILABLE
    code = "attachments_not_configured"

    def __init__(self) -> None:
        super().__init__("This server keeps no attachments. Its operator sets NEO_BLOB_URL to change that.")


class AttachmentTypeUnsupported(Failure):
    kind = Kind.INVALID
    code = "attachment_type_unsupported"


class UploadQuotaExceeded(Failure):
    kind = Kind.RATE_LIMITED
    code = "upload_quota_exceeded"


class TooManyAttachments(Failure):
    kind = Kind.INVALID
    code = "too_many_attachments"


class AttachmentRepeated(Failure):
    kind = Kind.INVALID
    code = "attachment_repeated"


class AttachmentNotFound(Failure):
    """Never issued to this session, or used already: which of them is not told."""

    kind = Kind.INVALID
    code = "attachment_not_found"


class AttachmentNotUploaded(Failure):
    kind = Kind.INVALID
    code = "attachment_not_uploaded"


class AttachmentTooLarge(Failure):
    kind = Kind.TOO_LARGE
    code = "attachment_too_large"


class AttachmentTypeMismatch(Failure):
    kind = Kind.INVALID
    code = "attachment_type_mismatch"


class AttachmentInvalid(Failure):
    kind = Kind.INVALID
    code = "attachment_invalid"


class UploadBroken(Failure):
    kind = Kind.MALFORMED
    code = "upload_broken"
