"""What a model's provider can refuse or fail to do, in words that an end user may read."""

from collections.abc import Sequence
from typing import ClassVar

from neo.errors import Edge, Failure, Kind
from neo.llm.healing.refusal import Refusal


class ModelMisnamed(Failure):
    """An agent's model is not `provider:name`."""

    kind = Kind.INVALID
    code = "model_misnamed"
    remedy = "Write it like that; the API's refusal names the providers."
    edges = (Edge.API, Edge.TURN)


class ModelUnknown(Failure):
    """This server has no model of that name; `details.models` are those that it has. An agent whose model went away
    stays as it is, and its turns at the FAST tier fail with this.
    """

    kind = Kind.INVALID
    code = "model_unknown"
    remedy = "Choose another model for the agent: `GET /public-api/models` lists them."
    edges = (Edge.API, Edge.TURN)


class ModelsFileInvalid(Failure):
    """The file of models cannot be read, something in it is wrong, or a key is not where it refers to."""

    kind = Kind.INVALID
    code = "models_file_invalid"
    remedy = "Correct what the message names; docs/models.md has all keys."
    edges = (Edge.COMMAND_LINE,)

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__(" ".join(mistakes))


class ReasoningEffortUnknown(Failure):
    """The agent's reasoning effort is not one that Neo knows."""

    kind = Kind.INVALID
    code = "reasoning_effort_unknown"
    remedy = "Choose one that Neo knows, or none."
    edges = (Edge.TURN,)


class ProviderNotConfigured(Failure):
    """The agent's model is of a provider that this server has no settings for."""

    kind = Kind.UNAVAILABLE
    code = "provider_not_configured"
    remedy = "Choose another model, or tell the operator."
    edges = (Edge.TURN,)


class ResponseForgotten(Failure):
    """The provider no longer has the earlier response, so the transcript is sent instead."""

    kind = Kind.CONFLICT
    code = "provider_response_forgotten"
    remedy = ""
    edges = (Edge.LOG,)

    def __init__(self, *, keeps_responses: bool = True, refusal: Refusal | None = None) -> None:
        """`keeps_responses`: whether the provider keeps others, as far as it says. With a `refusal` it has kept this
        one, and the model refuses what is in it.
        """
        self.keeps_responses = keeps_responses
        self.refusal = refusal
        super().__init__("The model provider no longer has the earlier conversation.")


class ProviderFailure(Failure):
    """A call that gave no answer. `retryable` says whether the same call may succeed later; with a `refusal` another
    one may, in which something else is sent.
    """

    kind = Kind.UNAVAILABLE
    edges = (Edge.TURN,)
    retryable: ClassVar[bool]
    words: ClassVar[str]

    def __init__(self, *, retry_after_seconds: int | None = None, refusal: Refusal | None = None) -> None:
        self.refusal = refusal
        super().__init__(self.words, retry_after_seconds=retry_after_seconds)


class ProviderRateLimited(ProviderFailure):
    """The provider is busy, or its quota for this minute is used up. It is asked again after the wait that it
    asks for.
    """

    code = "provider_rate_limited"
    remedy = "Send the message again later, or have the quota raised."
    retryable = True
    words = "The model is busy at the moment. Please try again shortly."


class ProviderUnavailable(ProviderFailure):
    """The provider cannot be reached, or answers 5xx."""

    code = "provider_unavailable"
    remedy = "Send the message again later."
    retryable = True
    words = "The model cannot be reached at the moment. Please try again shortly."


class ProviderTimeout(ProviderFailure):
    """The provider was silent for too long (`NEO_MODEL_IDLE_SECONDS`)."""

    code = "provider_timeout"
    remedy = "Send the message again."
    retryable = True
    words = "The model took too long to answer. Please try again."


class ProviderIncomplete(ProviderFailure):
    """The answer broke off before the provider said that it was over."""

    code = "provider_incomplete"
    remedy = "Send the message again."
    retryable = True
    words = "The model's answer broke off. Please try again."


class ProviderRejected(ProviderFailure):
    """The provider did not accept the request."""

    kind = Kind.INVALID
    code = "provider_rejected"
    remedy = "Say it differently, or choose another model."
    retryable = False
    words = "The model did not accept this request."


class ProviderMisconfigured(ProviderFailure):
    """Key refused, credit used up, or no such model."""

    code = "provider_misconfigured"
    remedy = "Tell the operator."
    retryable = False
    words = "The model is not set up correctly. Please tell an administrator."


class PromptTooLong(ProviderFailure):
    """The message, with what its tools answered last, is too long for the model."""

    kind = Kind.TOO_LARGE
    code = "prompt_too_long"
    remedy = "Shorten it."
    retryable = False
    words = "The message is too long for the model. Please shorten it."


class ContentFiltered(ProviderFailure):
    """The provider's content filter did not let it through."""

    kind = Kind.INVALID
    code = "content_filtered"
    remedy = "Say it differently."
    retryable = False
    words = "The model's content filter did not let this request through."


class ImagesNotSupported(ProviderFailure):
    """The model cannot look at images."""

    kind = Kind.INVALID
    code = "images_not_supported"
    remedy = "Describe what is in them, or choose another model."
    retryable = False
    words = "The model cannot look at images. Please describe what is in them."


class ImageUnusable(ProviderFailure):
    """The image is broken, was changed after it was sent, has more than 25 million pixels or 20 frames, or the model's
    provider cannot use it.
    """

    kind = Kind.INVALID
    code = "attachment_invalid"
    remedy = "Make it smaller, or save it anew."
    retryable = False
    words = "The model cannot use an image of this message. Please make it smaller, or save it anew."


class AnswerTooLong(ProviderFailure):
    """The answer grew beyond every bound and was stopped."""

    code = "answer_too_long"
    remedy = "Ask for less at once."
    retryable = False
    words = "The model's answer grew too long and was stopped."
