"""Asks a model something through Neo's own caller, and measures what comes."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Completed, Delta, ReasoningDelta, TextDelta, ToolCall
from neo.llm.errors import ProviderTimeout
from neo.llm.models import Models
from neo.llm.prompt import Image, Prompt, Tool
from neo.llm.trial.picture import PICTURE

# Long enough that its speed can be measured, and short enough to cost next to nothing.
SHORT = Prompt("You are being tried. Answer in plain words.", (), "Count from one to twenty, in words.")
_IMAGE = Prompt(
    "You are being tried. Answer in one word.",
    (),
    "Which colour is this picture?",
    (Image("image/png", PICTURE, "picture.png"),),
)
# A turn takes ten minutes at most, and nobody waits so long at a terminal. Short answers take seconds, unless the model
# thinks first: then as long as it may be silent is added.
CALL_SECONDS = 40.0
TOOL_NAME = "look_up_weather"
_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_TOOL = Prompt(
    "You are being tried. Use the tool that you have.",
    (),
    "What is the weather in Paris?",
    tools=(Tool(TOOL_NAME, "Says the weather of a city.", _PARAMETERS),),
)


@dataclass
class Heard:
    text: str = ""
    reasoning_characters: int = 0
    calls: list[ToolCall] = field(default_factory=list)
    output_tokens: int = 0
    seconds_to_first: float = 0.0
    seconds: float = 0.0

    @property
    def tokens_a_second(self) -> float | None:
        """None where too little came to say."""
        said = self.seconds - self.seconds_to_first
        return self.output_tokens / said if self.output_tokens and said > 0 else None


class Asking:
    def __init__(self, models: Models) -> None:
        self._models = models

    async def short_answer(self, chosen: ChosenModel) -> Heard:
        return await _heard(self._models.answer(chosen, SHORT), chosen)

    async def image(self, chosen: ChosenModel) -> Heard:
        return await _heard(self._models.answer(chosen, _IMAGE), chosen)

    async def tool_call(self, chosen: ChosenModel) -> Heard:
        return await _heard(self._models.answer(chosen, _TOOL), chosen)


def call_seconds(chosen: ChosenModel) -> float:
    """How long a call may take in all."""
    return CALL_SECONDS + (chosen.traits.thinking_seconds or 0.0 if chosen.traits.reasons else 0.0)


async def _heard(deltas: AsyncGenerator[Delta, None], chosen: ChosenModel) -> Heard:
    """Raises `ProviderTimeout` for an answer that does not end."""
    try:
        async with asyncio.timeout(call_seconds(chosen)):
            return await _measured(deltas)
    except TimeoutError as error:
        raise ProviderTimeout from error


async def _measured(deltas: AsyncGenerator[Delta, None]) -> Heard:
    began, heard = time.monotonic(), Heard()
    async with aclosing(deltas):
        async for delta in deltas:
            heard.seconds = time.monotonic() - began
            heard.seconds_to_first = heard.seconds_to_first or heard.seconds
            match delta:
                case TextDelta():
                    heard.text += delta.text
                case ReasoningDelta():
                    heard.reasoning_characters += len(delta.text)
                case ToolCall():
                    heard.calls.append(delta)
                case Completed():
                    heard.output_tokens = delta.output_tokens or 0
    return heard
