from datetime import UTC, datetime, timedelta

from neo.attachments import READ_SECONDS
from neo.calls import Artifact
from neo.executions.artifacts.schemas import ArtifactKind, ExecutionArtifact


def shown_artifact(artifact: Artifact, url: str) -> ExecutionArtifact:
    """`url` is where its bytes are; empty where this server has no store any more."""
    return ExecutionArtifact(
        id=str(artifact.id),
        execution_id=str(artifact.turn_id),
        call_id=artifact.call_id,
        kind=ArtifactKind.FILE,
        title=artifact.title,
        filename=artifact.filename,
        mime=artifact.mime,
        size_bytes=artifact.size_bytes,
        sha256=artifact.digest.hex(),
        content=None,
        download_url=url or None,
        download_url_expires_at=datetime.now(UTC) + timedelta(seconds=READ_SECONDS) if url else None,
        created_at=artifact.created_at,
        expires_at=artifact.expires_at,
    )
