"""The upload grant's wire shapes."""

from pydantic import BaseModel, Field


class AttachmentUploadUrlRequest(BaseModel):
    content_type: str = Field(
        description="The image's MIME type: image/png, image/jpeg, image/gif or image/webp."
    )
    filename: str | None = Field(
        None, description="Optional original filename, for display; it is no part of the path."
    )


class AttachmentUploadUrlResponse(BaseModel):
    """A short-lived grant to upload one image.

    PUT the bytes to `upload_url` with the headers `x-ms-blob-type: BlockBlob` and
    `x-ms-blob-content-type: <mime>`, then cite `blob_path` and `mime` in a message of this session.
    """

    upload_url: str = Field(
        description="Takes one PUT after the other for ten minutes, or until the "
        "credential that asked for it ends if that is sooner; the last one counts."
    )
    blob_path: str
    mime: str
    max_image_bytes: int = Field(
        description="Send no more: the store may take it, and the message is then refused."
    )
