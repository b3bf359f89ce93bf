"""Puts pictures to words: what of a session's images a model is shown."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from neo.attachments import Picture, Pixels
from neo.llm import ChosenModel, Image, ImagesNotSupported, Said
from neo.turns.patience import patiently
from neo.turns.prompt import Earlier, Task

# Providers take more, but shrink them then, or refuse a request that has grown too large.
IMAGES_MAX = 20
NOT_SHOWN = "[An image was attached here; it is not shown again.]"


class Album:
    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels

    async def new(self, task: Task, chosen: ChosenModel) -> tuple[Image, ...]:
        """The new message's images; raises `AttachmentInvalid` or `ImagesNotSupported`."""
        if not task.message.has_files:
            return ()
        if not chosen.sees_images:
            raise ImagesNotSupported
        found = await patiently(lambda: self._pixels.prepare(task.turn.tenant_id, task.message.id))
        return tuple(_image(picture) for picture in found)

    async def illustrated(
        self, task: Task, chosen: ChosenModel, earlier: Sequence[Earlier], *, new: int
    ) -> list[Said]:
        """What was said before, with the newest images; the older ones are mentioned only."""
        with_files = [one.message_id for one in reversed(earlier) if one.has_files]
        shown: dict[UUID, list[Image]] = {}
        if with_files and chosen.sees_images:
            for picture in await patiently(
                lambda: self._pixels.earlier(task.turn.tenant_id, with_files, pictures_max=IMAGES_MAX - new)
            ):
                shown.setdefault(picture.message_id, []).append(_image(picture))
        return [_told(one, shown.get(one.message_id, [])) for one in earlier]


def _told(one: Earlier, images: Sequence[Image]) -> Said:
    if not one.has_files:
        return one.said
    if images:
        return replace(one.said, images=tuple(images))
    return replace(one.said, text=f"{one.said.text}\n{NOT_SHOWN}".strip())


def _image(picture: Picture) -> Image:
    return Image(picture.mime, picture.data, picture.filename, picture.alt)
