"""Calls models: from a tier to a chosen model, from a prompt to a stream of pieces.

A call ends in exactly one `Completed`, and only when the provider itself said that the answer is over; every
other end is a failure, with a stable code and words that are safe to show. Closing the stream of pieces
closes the provider's connection at once. Nothing is retried here: whoever calls knows what a second attempt
means. OpenAI's Responses API is read here, in `responses_*.py`; the other two dialects through a library, in
`library_*.py`, which takes seconds to import. Either is loaded when first needed (`Models.warm` does it ahead of
time, in a thread). The settings arrive as plain values.
"""

from neo.llm.budget import LOCAL_CONTEXT_TOKENS
from neo.llm.errors import (
    AnswerTooLong,
    ContentFiltered,
    ImagesNotSupported,
    ModelMisnamed,
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
from neo.llm.pieces import Completed, FinishReason, Piece, ReasoningDelta, TextDelta, ToolCall
from neo.llm.prompt import Image, Prompt, Said
from neo.llm.providers import ProviderSettings
from neo.llm.spec import ModelSpec, Provider, Tier
from neo.llm.tiers import ChosenModel, Models

__all__ = [
    "LOCAL_CONTEXT_TOKENS",
    "AnswerTooLong",
    "ChosenModel",
    "Completed",
    "ContentFiltered",
    "FinishReason",
    "Fitted",
    "Image",
    "ImagesNotSupported",
    "ModelMisnamed",
    "ModelSpec",
    "Models",
    "Piece",
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
    "ReasoningEffortUnknown",
    "ResponseForgotten",
    "Said",
    "TextDelta",
    "Tier",
    "ToolCall",
    "estimate_tokens",
    "fit",
]
