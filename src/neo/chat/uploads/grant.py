"""Grants to upload an image, and where attachments are read."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Author, Principal, most_for
from neo.attachments import (
    IMAGE_TYPES,
    Attachment,
    AttachmentStore,
    AttachmentTypeUnsupported,
    BlobUrls,
    quota_exceeded,
    shown_name,
    storage_exceeded,
)
from neo.chat.posting.session_access import lock_session_access
from neo.db import Database


@dataclass(frozen=True)
class UploadQuota:
    """What one tenant may have; 0 bytes for no limit."""

    unused_max: int
    unused_per_session_max: int
    kept_bytes_max: int

    def of(self, caller: Principal) -> "UploadQuota":
        """What there may be when this caller asks for one more."""
        return UploadQuota(
            most_for(caller, self.unused_max),
            most_for(caller, self.unused_per_session_max),
            most_for(caller, self.kept_bytes_max),
        )


@dataclass(frozen=True)
class Grant:
    upload_url: str
    blob_path: str
    mime: str


class UploadDesk:
    def __init__(self, database: Database, urls: BlobUrls, quota: UploadQuota) -> None:
        self._database = database
        self._urls = urls
        self._quota = quota

    async def grant(
        self, caller: Principal, session_id: UUID, content_type: str, filename: str | None, base_url: str
    ) -> Grant:
        """One upload of one image for this session, by whoever may post to it now."""
        # The path says whose it is and nothing of what the sender calls it; what counts is the row.
        attachment_id = uuid4()
        path = f"{caller.tenant_id}/{session_id}/{attachment_id}"
        async with self._database.transaction(caller.tenant_id) as db:
            await _check_talk(db, caller, session_id)
            _check_type(content_type)
            store = AttachmentStore(db, caller.tenant_id)
            await self._check_quota(store, caller, session_id)
            self._urls.check_configured()
            await store.issue(
                id=attachment_id,
                session_id=session_id,
                blob_path=path,
                mime=content_type,
                filename=shown_name(filename),
                **Author.of(caller).columns(),
            )
        # Some stores are asked for it, and no connection waits for them.
        until = caller.credential.expires_at
        url = await self._urls.for_upload(base_url, path, content_type, until=until)
        return Grant(url, path, content_type)

    async def urls_of(self, attachments: Iterable[Attachment], base_url: str) -> dict[UUID, str]:
        """Where each is read, for a quarter of an hour."""
        return {one.id: await self._urls.for_reading(base_url, one) for one in attachments}

    async def _check_quota(self, store: AttachmentStore, caller: Principal, session_id: UUID) -> None:
        of_session, of_tenant = await store.unused_count(session_id)
        most = self._quota.of(caller)
        if of_session >= most.unused_per_session_max:
            raise quota_exceeded(f"{of_session} uploads of this session are not used yet")
        if of_tenant >= most.unused_max:
            raise quota_exceeded(f"{of_tenant} uploads of this tenant are not used yet")
        if 0 < most.kept_bytes_max <= await store.kept_bytes():
            raise storage_exceeded(most.kept_bytes_max)


async def _check_talk(db: AsyncSession, caller: Principal, session_id: UUID) -> None:
    access = await lock_session_access(db, caller.tenant_id, session_id)
    access.check(caller)
    access.check_open()


def _check_type(content_type: str) -> None:
    if content_type not in IMAGE_TYPES:
        known = ", ".join(IMAGE_TYPES)
        raise AttachmentTypeUnsupported(
            f"Attachments are images: {known}.", details={"fields": {"content_type": f"not one of {known}"}}
        )
