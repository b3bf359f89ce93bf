from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.api import JsonBody, json_body, operation, own_url, success
from neo.attachments import IMAGE_BYTES_MAX
from neo.chat.dependencies import Desk, SessionId, Talker
from neo.chat.uploads.schemas import AttachmentUploadUrlRequest, AttachmentUploadUrlResponse
from neo.errors import Failure

upload_router = APIRouter(prefix="/public-api/chat/sessions")


@upload_router.post(
    "/{session_id}/attachments/upload-url",
    **operation(
        "public_api.chat_session_attachment_upload_url_post",
        "Get a signed URL to upload a chat image",
        body=AttachmentUploadUrlRequest,
        data=AttachmentUploadUrlResponse,
    ),
)
async def grant_upload(
    request: Request,
    caller: Talker,
    desk: Desk,
    session_id: SessionId,
    body: Annotated[JsonBody[AttachmentUploadUrlRequest], Depends(json_body(AttachmentUploadUrlRequest))],
) -> Response:
    """Returns a short-lived URL (ten minutes) to upload one image, and the `blob_path` to cite in a message of this
    session. PUT the bytes to `upload_url` with the headers `x-ms-blob-type: BlockBlob` and
    `x-ms-blob-content-type: <mime>`. At most `max_image_bytes` (10 MiB), 25 million pixels and 20 frames: this is
    checked when the message is posted.

    Another type than PNG, JPEG, GIF or WebP is `422 attachment_type_unsupported`. Uploads that no message uses are
    removed after a day; a tenant with too many of them, or with too many bytes of attachments, is answered
    `429 upload_quota_exceeded`, an archived session `409 session_archived`, and a server without a store for
    attachments `503 attachments_not_configured`.
    """
    try:
        wanted, warnings = body.parse()
    except Failure:
        # Who may not see the session is not told what is wrong with the body.
        await desk.reader.check(caller, session_id)
        raise
    grant = await desk.uploads.grant(
        caller, session_id, wanted.content_type, wanted.filename, own_url(request)
    )
    shown = AttachmentUploadUrlResponse(
        upload_url=grant.upload_url,
        blob_path=grant.blob_path,
        mime=grant.mime,
        max_image_bytes=IMAGE_BYTES_MAX,
    )
    return success(request, shown, warnings=warnings)
