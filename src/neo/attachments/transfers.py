"""Bytes that are on their way through this process: how many at once, whose, and how slowly they may come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import dataclass
from uuid import UUID

from neo.access import PROCESS, CallerKind, NestedCounts, Permit, Role, for_admins, most_for
from neo.attachments.errors import (
    BUSY_SECONDS,
    AttachmentTooLarge,
    TooManyTransfers,
    TransfersFull,
    UploadBroken,
)
from neo.attachments.limits import ATTACHMENTS_MAX, IMAGE_BYTES_MAX

# The images of one message are sent at once.
SESSION_UPLOADS_MAX = ATTACHMENTS_MAX
# A transcript's images are asked for at once: a page of it has that many, and a proxy may ask for all of them together.
SESSION_READS_MAX = 64
TENANT_READS_MAX = 128
# Each holds a file and a piece of it, some 200 KiB.
PROCESS_READS_MAX = 512

UPLOAD_SECONDS_MAX = 120
# 4 KiB a second is less than any network that can send an image. Who sends less holds a place for nothing.
PACE_SECONDS = 10.0
PACE_BYTES_MIN = 40 * 1024


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose bytes they are. Of who reads by a signed URL nothing more is known."""

    tenant_id: UUID
    session_id: UUID
    kind: CallerKind | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class TransfersMax:
    """How many may be under way at once."""

    session: int
    tenant: int
    process: int


class Transfers:
    """Counted from the request's beginning to its end. No session, caller or tenant can fill what is everybody's."""

    def __init__(self, most: TransfersMax) -> None:
        self._most = most
        self._counts = NestedCounts()

    def permit_for(self, whose: Whose, path: str | None = None) -> Permit:
        """Count one more, or refuse it. With a path, it is the only one there."""
        places: dict[Hashable, int] = {
            **({path: 1} if path is not None else {}),
            whose.session_id: self._most.session,
            whose.tenant_id: most_for(whose, self._most.tenant),
        }
        if self._counts.full(places) is not None:
            raise TooManyTransfers(
                "Too many images of this session or tenant are on their way: wait for one to end.",
                retry_after_seconds=BUSY_SECONDS,
            )
        # A tenant that has none under way is let into a process that others have filled, like an Admin.
        is_first = not self._counts.under_way(whose.tenant_id)
        most = for_admins(self._most.process) if is_first else self._most.process
        process: dict[Hashable, int] = {PROCESS: most}
        if self._counts.full(process) is not None:
            raise TransfersFull
        return self._counts.permit([*places, *process])


async def received(pieces: AsyncIterator[bytes], take: Callable[[bytes], Awaitable[None]]) -> int:
    """Hand on each piece of an upload, and return how many bytes they were; refuses one that is too large or drips."""
    clock = asyncio.get_running_loop().time
    end = clock() + UPLOAD_SECONDS_MAX
    size = since = 0
    try:
        async with asyncio.timeout(PACE_SECONDS) as timeout:
            async for piece in pieces:
                size, since = size + len(piece), since + len(piece)
                if size > IMAGE_BYTES_MAX:
                    raise too_large()
                await take(piece)
                if since >= PACE_BYTES_MIN:
                    timeout.reschedule(min(clock() + PACE_SECONDS, end))
                    since = 0
    except TimeoutError as error:
        raise broken() from error
    return size


def broken() -> UploadBroken:
    return UploadBroken(
        "The upload broke off, came too slowly, or took more than two minutes: send it again."
    )


def too_large() -> AttachmentTooLarge:
    return AttachmentTooLarge(f"An image has at most {IMAGE_BYTES_MAX} bytes.")
