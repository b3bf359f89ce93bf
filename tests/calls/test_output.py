"""What a tool has brought that is no text is kept, and said to have been."""

from uuid import UUID, uuid4

from neo.calls.output import brought
from neo.connections import Bytes, Text


async def test_bytes_are_an_artifact_and_the_model_reads_what_they_are() -> None:
    kept: dict[UUID, tuple[bytes, str]] = {}

    async def keep(data: bytes, media_type: str) -> UUID:
        kept[artifact_id := uuid4()] = (data, media_type)
        return artifact_id

    ended = await brought(
        [Text("A picture:"), Bytes(b"\x89PNG\x00\xff", "image/png")], keep, 1_000, is_untrusted=False
    )

    assert list(kept.values()) == [(b"\x89PNG\x00\xff", "image/png")]
    assert ended.artifact_id in kept
    assert ended.outcome["output"] == [
        "A picture:",
        {"media_type": "image/png", "bytes": 6, "artifact_id": str(ended.artifact_id)},
    ]
