"""Images that come with a message: granted, checked, normalised, signed for reading.

An upload belongs to the session that it was granted to, is used by one message at most, and must stay what was
looked at when that message was accepted. No image is decoded in a process of Neo's: a turn has it made into bare
pixels by a process of its own with limits, and a model sees these pixels only. Bytes are reached by signed URLs
that are good for minutes.
"""

from neo.attachments.attach import attach
from neo.attachments.errors import (
    AttachmentInvalid,
    AttachmentNotFound,
    AttachmentRepeated,
    AttachmentsNotConfigured,
    AttachmentTypeUnsupported,
    TooManyAttachments,
    UploadQuotaExceeded,
    quota_exceeded,
    storage_exceeded,
)
from neo.attachments.images.header import TYPES as IMAGE_TYPES
from neo.attachments.images.normaliser import Normaliser
from neo.attachments.inspecting import Cited, Inspected, Inspector
from neo.attachments.limits import ALT_CHARACTERS_MAX, ATTACHMENTS_MAX, IMAGE_BYTES_MAX
from neo.attachments.models import Attachment
from neo.attachments.names import shown_name
from neo.attachments.orphans import OrphanSweeper
from neo.attachments.pixels import Picture, Pixels
from neo.attachments.signed_access import SignedBlobAccess
from neo.attachments.store import AttachmentStore
from neo.attachments.transfers import SESSION_UPLOADS_MAX, TransfersMax
from neo.attachments.urls import READ_SECONDS, BlobUrls

__all__ = [
    "ALT_CHARACTERS_MAX",
    "ATTACHMENTS_MAX",
    "IMAGE_BYTES_MAX",
    "IMAGE_TYPES",
    "READ_SECONDS",
    "SESSION_UPLOADS_MAX",
    "Attachment",
    "AttachmentInvalid",
    "AttachmentNotFound",
    "AttachmentRepeated",
    "AttachmentStore",
    "AttachmentTypeUnsupported",
    "AttachmentsNotConfigured",
    "BlobUrls",
    "Cited",
    "Inspected",
    "Inspector",
    "Normaliser",
    "OrphanSweeper",
    "Picture",
    "Pixels",
    "SignedBlobAccess",
    "TooManyAttachments",
    "TransfersMax",
    "UploadQuotaExceeded",
    "attach",
    "quota_exceeded",
    "shown_name",
    "storage_exceeded",
]
