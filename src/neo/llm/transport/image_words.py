"""What providers say of images: of their number, of one that they cannot use, and of a model that sees none."""

from neo.llm.healing.refusal import About
from neo.llm.transport.row import REFUSES, UNKNOWN, Row, rows

IMAGES: list[Row] = [
    # vLLM, Groq, Mistral, Ollama, Anthropic.
    *rows(
        About.IMAGE_COUNT,
        r"at most [1-9]\d* image|too many images|only supports? a single image|number of images (?:exceed|is )",
        r"many-image requests|multiple images|only one image|one image per",
    ),
    *rows(
        About.IMAGES,
        r"n[o']t support (?:images|image (?:input|content)s?|vision)\b(?! format)",
        r"image (?:input|content)s? (?:is|are) not (?:supported|enabled)",
    ),
    *rows(
        About.ONE_IMAGE,
        # OpenAI's codes.
        r"invalid_(?:base64_)?image(?!_url_not)|image_(?:too|parse|file)_|empty_image|download_image|image_media_type",
        r"\b(?:unsupported|invalid) image(?! (?:input|content|part))\b|\bvalid image\b|as an image\b",
        r"image(?: input)? (?:format|file|data|mime|size|width|height|length|dimension|resolution|aspect|detail)",
        r"image['\"`]?(?: is)? (?:too (?:small|large)|smaller|larger|exceeds)|input_image\.detail",
        r"image/[a-z]|\bmime[ _]?type|\b(?:webp|gif|bmp|tiff|svg|heic|avif|animated) images?\b",
        r"(?:cannot|can't|could not|unable to|failed to) (?:identify|decode|open|parse|load)[^.]{0,20}\bimage\b",
        r"(?:could not|unable to|failed to) (?:process|read|fetch|download) (?:the )?(?:input )?image\b(?! input)",
    ),
    *rows(
        About.IMAGES,
        # DeepSeek, and what else is written in Rust.
        r"unknown variant `?image",
        # vLLM.
        r"not a multi-?modal model|at most 0 image|does not support (?:vision|multi-?modal)",
        rf"multi-?modal[^.]{{0,30}}{REFUSES}",
        # llama.cpp with status 500, Ollama, OpenRouter with 404.
        r"image input is not supported|required for image input|endpoints found that support image",
        rf"(?:image\w*|\bvision\b)[^.]{{0,60}}{REFUSES}",
        rf"{REFUSES}[^.]{{0,40}}\b(?:image|vision\b)",
        r"image_url is only supported by|only supports? text|only text inputs?\b|only 'text' content|only accepts text",
        # llama.cpp before it saw any.
        r"unsupported content\[\]\.type",
        r"model is text-only|not have vision|type['\"`]?: must be ['\"`]text",
        rf"{UNKNOWN} (?:\w+ ){{0,2}}(?:type|value):? ['\"`]?(?:input_)?image",
        # Qwen, pydantic, JSON Schema.
        r"unexpected item type in content|input tag '(?:input_)?image|should be 'text'(?! or)",
        r"'(?:input_)?image(?:_url)?' is not one of",
    ),
]
