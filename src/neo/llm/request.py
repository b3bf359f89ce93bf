"""A prompt and its limits in the library's terms."""

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models.openai import OpenAIResponsesModelSettings
from pydantic_ai.settings import ModelSettings, ThinkingEffort

from neo.llm.prompt import Prompt, Said
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


def library_messages(prompt: Prompt, *, is_continued: bool) -> list[ModelMessage]:
    # What the provider remembers is not sent again; the instructions are, for it does not remember those.
    said = () if is_continued else prompt.transcript
    # An answer may be empty, and some providers refuse an empty message.
    before = [_message(one) for one in said if one.text]
    asked = ModelRequest(parts=[UserPromptPart(prompt.message)], instructions=prompt.instructions or None)
    return [*before, asked]


def library_settings(chosen: ChosenModel, previous_response_id: str | None) -> ModelSettings:
    settings = OpenAIResponsesModelSettings(max_tokens=chosen.answer_tokens_max)
    if chosen.continues:
        settings["openai_store"] = True
    if previous_response_id is not None:
        settings["openai_previous_response_id"] = previous_response_id
    if chosen.reasoning_effort is not None:
        settings["thinking"] = _THINKING[chosen.reasoning_effort]
        if chosen.provider in (Provider.ANTHROPIC, Provider.SCRIPTED_ANTHROPIC):
            # Anthropic counts reasoning as answer and refuses a limit below it: the library knows one above.
            del settings["max_tokens"]
    return settings


def _message(said: Said) -> ModelMessage:
    if said.role == "user":
        return ModelRequest(parts=[UserPromptPart(said.text)])
    return ModelResponse(parts=[TextPart(said.text)])
