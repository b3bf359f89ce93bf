"""What a tool brings beside texts is kept, so many of a call, and what is refused is quoted briefly."""

from uuid import UUID, uuid4

from neo.calls import texts
from neo.calls.output import KEPT_MAX, brought
from neo.connections import Bytes, Problem


async def test_so_many_artifacts_are_kept_of_a_call_and_the_others_are_told() -> None:
    kept: list[UUID] = []

    async def keep(data: bytes, media_type: str) -> UUID:
        kept.append(uuid4())
        return kept[-1]

    ended = await brought([Bytes(b"x", "image/png")] * 40, keep, 32_768, is_untrusted=False)

    ids = [one["artifact_id"] for one in ended.outcome["output"]]
    assert ids == [*map(str, kept), *[None] * (40 - KEPT_MAX)]
    assert len(kept) == KEPT_MAX


def test_a_refusal_quotes_little_of_an_argument() -> None:
    ended = texts.invalid_arguments([Problem("/" + "n" * 60_000, "v" * 60_000)])

    assert len(ended.outcome["error_text"]) < 500
