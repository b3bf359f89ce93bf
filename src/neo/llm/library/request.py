"""A prompt and its limits as the library's objects."""

from collections.abc import Iterator, Sequence

from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.settings import ModelSettings, ThinkingEffort

from neo.llm.chosen import ChosenModel, ReasoningEffort
from neo.llm.deltas import ToolCall
from neo.llm.prompt import Image, Outcome, Prompt, Round, Said, image_caption
from neo.llm.providers import DialectName
from neo.llm.sendable import sendable

_THINKING: dict[str, ThinkingEffort | bool] = {
    ReasoningEffort.NONE: False,
    ReasoningEffort.MINIMAL: "minimal",
    ReasoningEffort.LOW: "low",
    ReasoningEffort.MEDIUM: "medium",
    ReasoningEffort.HIGH: "high",
    ReasoningEffort.XHIGH: "xhigh",
    ReasoningEffort.MAX: "max",
}

# Anthropic refuses a text that is empty or blank.
_NOTHING = "(nothing)"


def messages(prompt: Prompt) -> list[ModelMessage]:
    whole = sendable(prompt)
    before = [message for one in whole.transcript for message in _said(one)]
    # The library sends the instructions of the last request that has some.
    instructions = prompt.instructions or None
    new = UserPromptPart(_content(whole.message, whole.images))
    return [
        *before,
        ModelRequest(parts=[new], instructions=instructions),
        *_rounds(whole.rounds, instructions),
    ]


def model_settings(chosen: ChosenModel) -> ModelSettings:
    settings = ModelSettings(max_tokens=chosen.answer_tokens_max)
    if chosen.reasoning_effort is not None:
        settings["thinking"] = _THINKING[chosen.reasoning_effort]
        if chosen.dialect is DialectName.MESSAGES:
            # Anthropic counts reasoning as part of the answer and refuses a lower limit: the library sets its own.
            del settings["max_tokens"]
    return settings


def _said(said: Said) -> Iterator[ModelMessage]:
    yield from _rounds(said.rounds)
    if said.role == "user":
        yield ModelRequest(parts=[UserPromptPart(_content(said.text, said.images))])
    else:
        yield ModelResponse(parts=[TextPart(said.text)])


def _rounds(rounds: Sequence[Round], instructions: str | None = None) -> Iterator[ModelMessage]:
    for one in rounds:
        text = [TextPart(one.text)] if one.text.strip() else []
        calls = [ToolCallPart(call.name, call.arguments_json, call.call_id) for call in one.calls]
        yield ModelResponse(parts=[*text, *calls])
        answered = zip(one.calls, one.outcomes, strict=True)
        returns = [_tool_return(call, outcome) for call, outcome in answered]
        yield ModelRequest(parts=returns, instructions=instructions)


def _tool_return(call: ToolCall, outcome: Outcome) -> ToolReturnPart:
    return ToolReturnPart(
        call.name,
        outcome.text if outcome.text.strip() else _NOTHING,
        call.call_id,
        outcome="failed" if outcome.is_error else "success",
    )


def _content(text: str, images: Sequence[Image]) -> str | list[UserContent]:
    return [*([text] if text else []), *_image_parts(images)] if images else text


def _image_parts(images: Sequence[Image]) -> Iterator[UserContent]:
    for number, image in enumerate(images, start=1):
        yield image_caption(number, image)
        yield BinaryContent(image.data, media_type=image.mime)
