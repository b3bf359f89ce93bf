"""The two routes that are open to whoever holds a signed URL."""

from collections.abc import AsyncIterator
from contextlib import ExitStack

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from neo.api import ERRORS, operation
from neo.attachments.limits import IMAGE_BYTES_MAX
from neo.attachments.names import disposition
from neo.attachments.signed_access import Reading, SignedBlobAccess
from neo.attachments.transfers import broken, too_large
from neo.attachments.urls import PATH, READ_SECONDS

router = APIRouter(prefix=PATH)

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
            **{status: ERRORS[status] for status in (400, 403, 413, 429, 503)},
        },
    ),
)
async def put_blob(request: Request, path: str) -> Response:
    """Takes the bytes of an image, for servers that keep them in a folder; `upload_url` of an upload grant leads
    here, signed for one path and one type, for ten minutes. With another store it leads there.

    Send `x-ms-blob-content-type` (or `Content-Type`) with the granted type and at most `max_image_bytes`
    (10,485,760). Until a message has used the image, a second upload replaces the first. A URL that was changed, has
    expired, comes with another type, or whose session was archived or whose credential was revoked answers
    `403 invalid_signature`, more bytes `413 attachment_too_large`, bytes that drip `400 upload_broken`. One upload at a
    time goes to a URL, and so many of a session and of a tenant: one more is `429 too_many_transfers`, and
    `503 transfers_full` where the server has its most.
    """
    access: SignedBlobAccess = request.app.state.signed_blobs
    mime, query = _declared_type(request), request.scope["query_string"]
    _check_length(request)
    granted = await access.granted(path, mime, query)
    with access.permit_for(granted):
        etag = await access.upload(granted, mime, query, _pieces(request))
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
            **{status: ERRORS[status] for status in (403, 404, 429, 503)},
        },
    ),
)
async def get_blob(request: Request, path: str) -> Response:
    """An attachment's bytes, for the `url` of a file part in `GET .../messages`, or an artifact's, for its
    `download_url`; signed, good for 15 minutes. It is sent to be saved or used as an image, never as a page. A URL that
    was changed or has expired answers `403 invalid_signature`, and more readers at once than a session, a tenant or the
    server has `429 too_many_transfers` or `503 transfers_full`.
    """
    access: SignedBlobAccess = request.app.state.signed_blobs
    with ExitStack() as held:
        held.enter_context(access.check_read(path, request.scope["query_string"]))
        found = await access.read(path)
        return BlobResponse(found, held.pop_all())


class BlobResponse(StreamingResponse):
    """Read as fast as its reader takes it, and counted until then."""

    def __init__(self, found: Reading, held: ExitStack) -> None:
        headers = {
            **SAFE,
            "content-disposition": disposition(found.filename),
            "content-length": str(found.size),
        }
        super().__init__(found.pieces, media_type=found.mime, headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect as error:
        raise broken() from error


def _declared_type(request: Request) -> str:
    declared = request.headers.get("x-ms-blob-content-type") or request.headers.get("content-type", "")
    return declared.partition(";")[0].strip().lower()


def _check_length(request: Request) -> None:
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared[:20]) > IMAGE_BYTES_MAX:
        raise too_large()
