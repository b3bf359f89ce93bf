"""The two routes that are open to whoever holds a signed URL."""

import asyncio

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from neo.api import ERRORS, operation
from neo.attachments.errors import UploadBroken
from neo.attachments.limits import IMAGE_BYTES_MAX
from neo.attachments.names import disposition
from neo.attachments.signed_access import SignedBlobAccess, too_large
from neo.attachments.urls import PATH, READ_SECONDS

router = APIRouter(prefix=PATH)

# A slow connection takes some seconds for a megabyte.
UPLOAD_SECONDS_MAX = 120
# A browser must never show a stranger's upload as a page of this server.
SAFE = {
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": f"private, max-age={READ_SECONDS}",
    "referrer-policy": "no-referrer",
}


@router.put(
    "/{path:path}",
    **operation(
        "public_api.blob_put",
        "Upload an image by signed URL",
        is_public=True,
        status=201,
        other={
            201: {"description": "Stored. `ETag` names this version."},
            **{status: ERRORS[status] for status in (400, 403, 413, 503)},
        },
    ),
)
async def put_blob(request: Request, path: str) -> Response:
    """Takes the bytes of an image, for servers that keep them in a folder; `upload_url` of an upload grant leads
    here, signed for one path and one type, for ten minutes. With another store it leads there.

    Send `x-ms-blob-content-type` (or `Content-Type`) with the granted type and at most `max_image_bytes`
    (10,485,760). Until a message has used the image, a second upload replaces the first. A URL that was changed, has
    expired or comes with another type answers `403 invalid_signature`, more bytes `413 attachment_too_large`.
    """
    access: SignedBlobAccess = request.app.state.signed_blobs
    access.check_upload(path, _declared_type(request), request.scope["query_string"])
    etag = await access.upload(path, await _body(request))
    return Response(status_code=201, headers={"etag": etag, "cache-control": "no-store"})


@router.get(
    "/{path:path}",
    **operation(
        "public_api.blob_get",
        "Read an image by signed URL",
        is_public=True,
        other={
            200: {
                "description": "The image.",
                "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
            },
            **{status: ERRORS[status] for status in (403, 404, 503)},
        },
    ),
)
async def get_blob(request: Request, path: str) -> Response:
    """An attachment's bytes, for the `url` of a file part in `GET .../messages`; signed, good for 15 minutes. It is
    sent to be saved or used as an image, never as a page. A URL that was changed or has expired answers
    `403 invalid_signature`.
    """
    access: SignedBlobAccess = request.app.state.signed_blobs
    found = await access.read(path, request.scope["query_string"])
    headers = {**SAFE, "content-disposition": disposition(found.filename)}
    return Response(found.data, media_type=found.mime, headers=headers)


def _declared_type(request: Request) -> str:
    declared = request.headers.get("x-ms-blob-content-type") or request.headers.get("content-type", "")
    return declared.partition(";")[0].strip().lower()


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared[:20]) > IMAGE_BYTES_MAX:
        raise too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_SECONDS_MAX):
            async for chunk in request.stream():
                body += chunk
                if len(body) > IMAGE_BYTES_MAX:
                    raise too_large()
    except (TimeoutError, ClientDisconnect) as error:
        raise UploadBroken("The upload broke off, or took more than two minutes: send it again.") from error
    return bytes(body)
