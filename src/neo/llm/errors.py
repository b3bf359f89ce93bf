"""What a model's provider can refuse or fail to do, in words that an end user may read."""

from typing import ClassVar

from neo.errors import Failure, Kind


class ModelMisnamed(Failure):
    kind = Kind.INVALID
    code = "model_misnamed"


class ReasoningEffortUnknown(Failure):
    kind = Kind.INVALID
    code = "reasoning_effort_unknown"


class ProviderNotConfigured(Failure):
    kind = Kind.UNAVAILABLE
    code = "provider_not_configured"


class ResponseForgotten(Failure):
    """The provider cannot continue the response it was asked to: send the transcript instead."""

    kind = Kind.CONFLICT
    code = "provider_response_forgotten"

    def __init__(self) -> None:
        super().__init__("The model provider no longer has the earlier conversation.")


class ProviderFailure(Failure):
    """A call that gave no answer. `retryable` says whether the same call may succeed later."""

    kind = Kind.UNAVAILABLE
    retryable: ClassVar[bool]
    words: ClassVar[str]

    def __init__(self, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(self.words, retry_after_seconds=retry_after_seconds)


class ProviderRateLimited(ProviderFailure):
    code = "provider_rate_limited"
    retryable = True
    words = "The model is busy at the moment. Please try again shortly."


class ProviderUnavailable(ProviderFailure):
    code = "provider_unavailable"
    retryable = True
    words = "The model cannot be reached at the moment. Please try again shortly."


class ProviderTimeout(ProviderFailure):
    code = "provider_timeout"
    retryable = True
    words = "The model took too long to answer. Please try again."


class ProviderIncomplete(ProviderFailure):
    code = "provider_incomplete"
    retryable = True
    words = "The model's answer broke off. Please try again."


class ProviderRejected(ProviderFailure):
    kind = Kind.INVALID
    code = "provider_rejected"
    retryable = False
    words = "The model did not accept this request."


class ProviderMisconfigured(ProviderFailure):
    code = "provider_misconfigured"
    retryable = False
    words = "The model is not set up correctly. Please tell an administrator."


class PromptTooLong(ProviderFailure):
    kind = Kind.TOO_LARGE
    code = "prompt_too_long"
    retryable = False
    words = "The message is too long for the model. Please shorten it."


class ContentFiltered(ProviderFailure):
    kind = Kind.INVALID
    code = "content_filtered"
    retryable = False
    words = "The model's content filter did not let this request through."


class ImagesNotSupported(ProviderFailure):
    kind = Kind.INVALID
    code = "images_not_supported"
    retryable = False
    words = "The model cannot look at images. Please describe what is in them."


class AnswerTooLong(ProviderFailure):
    code = "answer_too_long"
    retryable = False
    words = "The model's answer grew too long and was stopped."
