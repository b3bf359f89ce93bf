"""A prompt and its limits in the library's terms."""

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

from neo.llm.caption import caption
from neo.llm.prompt import Image, Prompt, Said
from neo.llm.spec import Provider
from neo.llm.tiers import ChosenModel, ReasoningEffort

_THINKING: dict[str, ThinkingEffort | bool] = {
    ReasoningEffort.NONE: False,
    ReasoningEffort.MINIMAL: "minimal",
    ReasoningEffort.LOW: "low",
    ReasoningEffort.MEDIUM: "medium",
    ReasoningEffort.HIGH: "high",
    ReasoningEffort.XHIGH: "xhigh",
    ReasoningEffort.MAX: "max",
}


def library_messages(prompt: Prompt) -> list[ModelMessage]:
    before = [_message(one) for one in prompt.transcript if not one.is_empty]
    new = UserPromptPart(_content(prompt.message, prompt.images))
    asked = ModelRequest(parts=[new], instructions=prompt.instructions or None)
    return [*before, asked]


def library_settings(chosen: ChosenModel) -> ModelSettings:
    settings = ModelSettings(max_tokens=chosen.answer_tokens_max)
    if chosen.reasoning_effort is not None:
        settings["thinking"] = _THINKING[chosen.reasoning_effort]
        if chosen.provider in (Provider.ANTHROPIC, Provider.SCRIPTED_ANTHROPIC):
            # Anthropic counts reasoning as answer and refuses a limit below it: the library knows one above.
            del settings["max_tokens"]
    return settings


def _message(said: Said) -> ModelMessage:
    if said.role == "user":
        return ModelRequest(parts=[UserPromptPart(_content(said.text, said.images))])
    return ModelResponse(parts=[TextPart(said.text)])


def _content(text: str, images: Sequence[Image]) -> str | list[UserContent]:
    return [*([text] if text else []), *_shown(images)] if images else text


def _shown(images: Sequence[Image]) -> Iterator[UserContent]:
    for number, image in enumerate(images, start=1):
        yield caption(number, image)
        yield BinaryContent(image.data, media_type=image.mime)
