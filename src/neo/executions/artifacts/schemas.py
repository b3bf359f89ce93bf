from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field


class ArtifactKind(StrEnum):
    """FILE: bytes to download. NOTE: text in `content`."""

    NOTE = "NOTE"
    FILE = "FILE"


class ExecutionArtifact(BaseModel):
    """Something that an execution made or got: what a tool brought that is too long for a step, whole."""

    id: str
    execution_id: str
    call_id: str | None = Field(description="The call that brought it.")
    kind: ArtifactKind
    title: str
    filename: str | None
    mime: str
    size_bytes: int | None
    sha256: str | None = Field(description="Of the bytes, in hexadecimal digits.")
    content: str | None = Field(description="A NOTE's text.")
    download_url: str | None = Field(
        description="Where the bytes are, signed: whoever has it may read them until `download_url_expires_at`."
    )
    download_url_expires_at: datetime | None
    created_at: datetime
    expires_at: datetime = Field(description="When it is removed: thirty days after it came.")
