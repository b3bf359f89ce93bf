"""Which of a session's images the model is given with a prompt."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from neo.attachments import Picture, Pixels
from neo.llm import ChosenModel, Image, ImagesNotSupported, Said
from neo.turns.prompt import Earlier
from neo.turns.retry import until_database_answers
from neo.turns.task import Task

# Providers take more, but shrink them then, or refuse a request that has grown too large.
IMAGES_MAX = 20
NOT_SHOWN = "[An image was attached here; it is not shown again.]"


class ImageLoader:
    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels

    async def of_message(self, task: Task, chosen: ChosenModel) -> tuple[Image, ...]:
        """The new message's images; raises `AttachmentInvalid` or `ImagesNotSupported`."""
        if not task.message.has_files:
            return ()
        if not chosen.sees_images:
            raise ImagesNotSupported
        found = await until_database_answers(
            lambda: self._pixels.prepare(task.turn.tenant_id, task.message.id)
        )
        return tuple(_image(picture) for picture in found)

    async def with_images(
        self, task: Task, chosen: ChosenModel, earlier: Sequence[Earlier], *, new: int
    ) -> list[Said]:
        """The earlier messages with their newest images, at most as many as the `new` ones leave room for. In
        place of each older image stands a line that says so.
        """
        with_files = [one.message_id for one in reversed(earlier) if one.has_files]
        loaded: dict[UUID, list[Image]] = {}
        if with_files and chosen.sees_images:
            for picture in await until_database_answers(
                lambda: self._pixels.earlier(task.turn.tenant_id, with_files, pictures_max=IMAGES_MAX - new)
            ):
                loaded.setdefault(picture.message_id, []).append(_image(picture))
        return [_with_images(one, loaded.get(one.message_id, [])) for one in earlier]


def _with_images(one: Earlier, images: Sequence[Image]) -> Said:
    if not one.has_files:
        return one.said
    if images:
        return replace(one.said, images=tuple(images))
    return replace(one.said, text=f"{one.said.text}\n{NOT_SHOWN}".strip())


def _image(picture: Picture) -> Image:
    return Image(picture.mime, picture.data, picture.filename, picture.alt)
