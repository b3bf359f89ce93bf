from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Select, Update, Uuid, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from neo.attachments.models import Attachment


class AttachmentStore:
    """A tenant's attachments. A row is issued before there are bytes, and attached once, by one message."""

    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def issue(self, **values: object) -> None:
        await self._db.execute(insert(Attachment).values(tenant_id=self._tenant_id, **values))

    async def unused_count(self, session_id: UUID) -> tuple[int, int]:
        """How many uploads no message has used, of this session and of the tenant."""
        of_session = func.count().filter(Attachment.session_id == session_id)
        wanted = self._owned().where(Attachment.message_id.is_(None))
        found = (await self._db.execute(wanted.with_only_columns(of_session, func.count()))).one()
        return found[0], found[1]

    async def kept_bytes(self, *, without: Collection[UUID] = ()) -> int:
        """How many bytes the tenant has stored, of those that are known to be there: attachments and artifacts."""
        left_out = cast(list(without), ARRAY(Uuid))
        return await self._db.scalar(select(func.neo_kept_bytes(self._tenant_id, left_out))) or 0

    async def note_uploaded(self, attachment_id: UUID, size_bytes: int) -> None:
        """Note how many bytes were seen there, before a message uses them."""
        mine = self._change(attachment_id).where(Attachment.message_id.is_(None))
        await self._db.execute(mine.values(size_bytes=size_bytes))

    async def unused(self, session_id: UUID, blob_paths: Collection[str]) -> dict[str, Attachment]:
        """This session's uploads that no message has used yet, by path."""
        found = await self._db.scalars(
            self._owned().where(
                Attachment.session_id == session_id,
                Attachment.blob_path.in_(blob_paths),
                Attachment.message_id.is_(None),
            )
        )
        return {attachment.blob_path: attachment for attachment in found}

    async def attach(self, attachment_id: UUID, message_id: UUID, **values: object) -> bool:
        """Attach it to this message; false when another message has used it, or the sweeper has removed it."""
        mine = self._change(attachment_id).where(Attachment.message_id.is_(None))
        values = {"message_id": message_id, "used_at": func.now(), **values}
        return (await self._db.execute(mine.values(values).returning(Attachment.id))).first() is not None

    async def of_messages(self, message_ids: Collection[UUID]) -> Sequence[Attachment]:
        """The attachments of these messages, each message's in their order."""
        wanted = self._owned().where(Attachment.message_id.in_(message_ids)).order_by(Attachment.position)
        return (await self._db.scalars(wanted)).all()

    async def keep(self, attachment_id: UUID, **values: object) -> None:
        """Note where its pixels are stored; a second call changes nothing."""
        await self._db.execute(
            self._change(attachment_id).where(Attachment.stored_path.is_(None)).values(values)
        )

    async def note_removed(self, attachment_id: UUID) -> None:
        await self._db.execute(self._change(attachment_id).values(removed_at=func.now()))

    async def remove_unused(self, attachment_id: UUID) -> bool:
        mine = (Attachment.tenant_id == self._tenant_id) & (Attachment.id == attachment_id)
        gone = delete(Attachment).where(mine, Attachment.message_id.is_(None)).returning(Attachment.id)
        return (await self._db.execute(gone)).first() is not None

    def _change(self, attachment_id: UUID) -> Update:
        return update(Attachment).where(
            Attachment.tenant_id == self._tenant_id, Attachment.id == attachment_id
        )

    def _owned(self) -> Select[Attachment]:
        return select(Attachment).where(Attachment.tenant_id == self._tenant_id)
