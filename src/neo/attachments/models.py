from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from neo.access import Authored
from neo.db import Base


class Attachment(Authored, Base):
    """An upload that was granted; one message's once `message_id` is set, and its pixels kept once `stored_path` is.

    Its author is who asked for the grant.
    """

    __tablename__ = "attachments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    session_id: Mapped[UUID]
    blob_path: Mapped[str]
    mime: Mapped[str]
    filename: Mapped[str | None]
    alt: Mapped[str | None]
    message_id: Mapped[UUID | None]
    position: Mapped[int | None] = mapped_column(SmallInteger)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    # As inspected when the message was accepted; other bytes under the path do not belong to the message.
    etag: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    stored_path: Mapped[str | None]
    stored_mime: Mapped[str | None]
    stored_bytes: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    used_at: Mapped[datetime | None]
    # When the upload's own bytes were deleted: its pixels are at `stored_path`, or its turn ended without any.
    removed_at: Mapped[datetime | None]
