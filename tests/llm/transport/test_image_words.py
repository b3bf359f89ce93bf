"""What is said of one image is not said of the model, which would be blind for everybody from then on; and the model's
own name says nothing.
"""

import pytest

from neo.llm.errors import ProviderFailure
from neo.llm.healing.refusal import About, Refusal
from neo.llm.transport.failures import failure
from neo.llm.transport.provider_error import ProviderError
from neo.llm.transport.words import said_in


@pytest.mark.parametrize(
    "words",
    [
        "You uploaded an unsupported image. Please use one of the following formats: ['png', 'jpeg'].",
        "Failed to parse image: unsupported image image_parse_error",
        "not allowed invalid_image_format",
        "cannot identify image file <_io.BytesIO object at 0x7f2>",
        "Failed to load image: cannot identify image file",
        "Image format not supported, must be jpg/jpeg or png",
        "The image format image/bmp is not supported. Use png, jpeg, gif or webp.",
        "Unsupported MIME type: image/bmp",
        "Image format is illegal and cannot be opened",
        "The image aspect ratio is not supported",
        "image resolution 8x8 is not supported, minimum is 50x50",
        "Image size 8x8 is not allowed",
        "Invalid image: cannot process image smaller than 10 pixels",
        "The image is too small. It is not allowed to be below 32x32",
        "image exceeds 5 MB, which is not allowed",
        "webp images are not supported",
        "Could not process image",
        "input_image.detail is not supported by this model",
    ],
)
def test_an_image_that_cannot_be_used_says_nothing_of_the_model(words: str) -> None:
    assert said_in(words.lower()) == Refusal(About.ONE_IMAGE)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        (About.IMAGES, "This model does not support image input (image/png)"),
        (About.IMAGES, "The model cannot process images"),
        (About.IMAGES, "Unsupported content type: image_url"),
        (About.IMAGES, "Image input modality is not enabled for models/gemma-3-1b-it"),
        (About.IMAGES, "unsupported content[].type"),
        (About.IMAGES, "Value error, this model only accepts text messages"),
        (About.IMAGE_COUNT, "Multiple images are not supported with this model"),
        (About.IMAGE_COUNT, "Only one image is supported per request"),
        (About.IMAGE_COUNT, "image dimensions exceed max allowed size for many-image requests: 2000 pixels"),
    ],
)
def test_a_model_that_sees_none_or_not_as_many_is_known(about: About, words: str) -> None:
    assert said_in(words.lower()) == Refusal(about)


@pytest.mark.parametrize(
    ("model", "words", "about"),
    [
        ("llama3.2-vision:11b", "registry/library/llama3.2-vision:11b does not support tools", About.TOOLS),
        ("hub/llava-vision:7b", "llava-vision does not support tool calling", About.TOOLS),
        ("kimi-thinking", "Model kimi-thinking does not support image input", About.IMAGES),
        (
            "Kimi-Thinking",
            "max_tokens is too large for kimi-thinking: 16384 is not allowed",
            About.ANSWER_LIMIT,
        ),
        ("x/llama-vision", "Model llama-vision does not support system messages", About.SYSTEM_ROLE),
        # Another's name, as a gateway that has its own tells it.
        ("smart", "Model kimi-k2-thinking: the system role is not supported", About.SYSTEM_ROLE),
        ("smart", "invalid role 'developer' for model grok-4-reasoning", About.SYSTEM_ROLE),
        # A word that may be the server's.
        ("vision", "Model vision does not support vision", About.IMAGES),
    ],
)
def test_the_name_of_the_model_is_not_what_was_refused(model: str, words: str, about: About) -> None:
    error = ProviderError({"message": words}, status=400, in_stream=False)

    refused = failure(error, is_continued=False, model=model)

    assert isinstance(refused, ProviderFailure) and refused.refusal is not None
    assert refused.refusal.about is about
