"""Calls models: from a tier to a chosen model, from a prompt to a stream of deltas.

A call ends with exactly one `Completed`, and only if the provider itself said that the answer is complete. Every
other end is a failure, with a stable code and a message that is safe to show. Closing the stream of deltas closes the
provider's connection at once. Nothing is retried here: the caller knows what a second attempt means. A prompt has
calls of tools only with their outcomes, in whole rounds, for providers refuse anything else. `dialect.py` is the
seam: a dialect makes a call's body and reads its events, and `transport/` does everything else of a call. There are
three: OpenAI's Responses API in `responses/`, chat completions in `chat_completions/`, and Anthropic's Messages API in
`messages/`. The settings arrive as plain values.
"""

from neo.llm.chosen import ChosenModel, Price, ReasoningEffort, Traits
from neo.llm.control_tokens import marked
from neo.llm.deltas import Completed, Delta, FinishReason, ReasoningDelta, TextDelta, ToolCall
from neo.llm.errors import (
    AnswerTooLong,
    ContentFiltered,
    ImagesNotSupported,
    ModelMisnamed,
    ModelsFileInvalid,
    ModelUnknown,
    PromptTooLong,
    ProviderFailure,
    ProviderIncomplete,
    ProviderMisconfigured,
    ProviderNotConfigured,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReasoningEffortUnknown,
    ResponseForgotten,
)
from neo.llm.fit import Fitted, estimate_tokens, fit
from neo.llm.healing.mend import Mends
from neo.llm.model_list import (
    ModelEntry,
    ModelList,
    ModelsFile,
    OfferedModel,
    read_models_file,
    resolved,
    unresolved,
)
from neo.llm.model_list.entry import LOCAL_CONTEXT_TOKENS
from neo.llm.models import Models
from neo.llm.prompt import Image, Outcome, Prompt, Round, Said, Tool
from neo.llm.providers import Address, DialectName, ModelSpec, Provider, ProviderSettings, Tier
from neo.llm.reading.calls import arguments_of
from neo.llm.variables import filled, problem_with_variables

__all__ = [
    "LOCAL_CONTEXT_TOKENS",
    "Address",
    "AnswerTooLong",
    "ChosenModel",
    "Completed",
    "ContentFiltered",
    "Delta",
    "DialectName",
    "FinishReason",
    "Fitted",
    "Image",
    "ImagesNotSupported",
    "Mends",
    "ModelEntry",
    "ModelList",
    "ModelMisnamed",
    "ModelSpec",
    "ModelUnknown",
    "Models",
    "ModelsFile",
    "ModelsFileInvalid",
    "OfferedModel",
    "Outcome",
    "Price",
    "Prompt",
    "PromptTooLong",
    "Provider",
    "ProviderFailure",
    "ProviderIncomplete",
    "ProviderMisconfigured",
    "ProviderNotConfigured",
    "ProviderRateLimited",
    "ProviderRejected",
    "ProviderSettings",
    "ProviderTimeout",
    "ProviderUnavailable",
    "ReasoningDelta",
    "ReasoningEffort",
    "ReasoningEffortUnknown",
    "ResponseForgotten",
    "Round",
    "Said",
    "TextDelta",
    "Tier",
    "Tool",
    "ToolCall",
    "Traits",
    "arguments_of",
    "estimate_tokens",
    "filled",
    "fit",
    "marked",
    "problem_with_variables",
    "read_models_file",
    "resolved",
    "unresolved",
]
