"""A prompt and its limits as the library's objects."""

from collections.abc import Iterator, Sequence

from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.settings import ModelSettings, ThinkingEffort

from neo.llm.chosen import ChosenModel, ReasoningEffort
from neo.llm.prompt import Image, Prompt, Said, image_caption
from neo.llm.spec import Provider

_THINKING: dict[str, ThinkingEffort | bool] = {
    ReasoningEffort.NONE: False,
    ReasoningEffort.MINIMAL: "minimal",
    ReasoningEffort.LOW: "low",
    ReasoningEffort.MEDIUM: "medium",
    ReasoningEffort.HIGH: "high",
    ReasoningEffort.XHIGH: "xhigh",
    ReasoningEffort.MAX: "max",
}


def messages(prompt: Prompt) -> list[ModelMessage]:
    before = [_message(one) for one in prompt.transcript if not one.is_empty]
    new = UserPromptPart(_content(prompt.message, prompt.images))
    return [*before, ModelRequest(parts=[new], instructions=prompt.instructions or None)]


def model_settings(chosen: ChosenModel) -> ModelSettings:
    settings = ModelSettings(max_tokens=chosen.answer_tokens_max)
    if chosen.reasoning_effort is not None:
        settings["thinking"] = _THINKING[chosen.reasoning_effort]
        if chosen.provider in (Provider.ANTHROPIC, Provider.SCRIPTED_ANTHROPIC):
            # Anthropic counts reasoning as part of the answer and refuses a lower limit: the library sets its own.
            del settings["max_tokens"]
    return settings


def _message(said: Said) -> ModelMessage:
    if said.role == "user":
        return ModelRequest(parts=[UserPromptPart(_content(said.text, said.images))])
    return ModelResponse(parts=[TextPart(said.text)])


def _content(text: str, images: Sequence[Image]) -> str | list[UserContent]:
    return [*([text] if text else []), *_image_parts(images)] if images else text


def _image_parts(images: Sequence[Image]) -> Iterator[UserContent]:
    for number, image in enumerate(images, start=1):
        yield image_caption(number, image)
        yield BinaryContent(image.data, media_type=image.mime)
