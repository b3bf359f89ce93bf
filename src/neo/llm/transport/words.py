"""What providers say when they refuse a call. There is no standard: each server has words of its own, gateways wrap
those of others, and statuses and codes differ for the same fault.

Each row is a pattern in lower case; the first that is found counts. The patterns have short gaps only, so that a long
text costs no more than its length.
"""

import re
from enum import Enum, auto

from neo.llm.healing.refusal import About, Refusal


class Said(Enum):
    """A refusal that no other prompt can mend."""

    CONTENT = auto()
    """The content filter's."""
    OPERATOR = auto()
    """Only the operator can put it right: no credit, no such model."""
    OVERLOADED = auto()
    FORGOTTEN = auto()
    """The provider does not have the earlier response, or keeps none."""


def _rows(about: About | Said, *patterns: str) -> list[tuple[About | Said, re.Pattern[str]]]:
    return [(about, re.compile(pattern)) for pattern in patterns]


_REFUSES = r"(?:not support|n't support|unsupported|not enabled|not allowed|not accept|not available|cannot)"

_WORDS: list[tuple[About | Said, re.Pattern[str]]] = [
    *_rows(
        Said.OPERATOR,
        r"insufficient[_ ](?:quota|balance|credits?|funds)",
        r"credit balance is too low",
        r"billing_hard_limit|billing_not_active|credit_balance_exhausted|arrearage",
        r"(?:organization|project)_(?:spend|usage)_limit",
        r"\bmodel_not_found\b|\binvalid_api_key\b",
    ),
    *_rows(
        Said.CONTENT,
        r"content[_ ]?filter|content_policy_violation|responsible_?ai_?policy_?violation|invalid_prompt",
        # Qwen, DeepSeek, Moonshot.
        r"data_?inspection_?failed|content exists risk|considered high risk",
        # OpenRouter's moderation, Azure, OpenAI.
        r"input was flagged|flagged for|content management policy|violat\w+ (?:our|the) \w* ?policy",
        r"safety_violations|prohibited_content|blocked by (?:the )?(?:safety|content)",
    ),
    *_rows(
        Said.FORGOTTEN,
        r"previous_response|previous response",
        # vLLM, and LiteLLM before it.
        r"response with id\b|no response found|response[ _](?:id )?['\"]?resp_\S+ (?:was )?not found",
    ),
    *_rows(
        About.ANSWER_LIMIT_NAME,
        r"use ['\"`]?max_(?:completion_)?tokens['\"`]? instead",
        r"(?:unrecognized|unknown|unsupported|unexpected|extra)[^.]{0,60}max_completion_tokens",
        r"max_completion_tokens[^.]{0,40}(?:not supported|extra inputs|not permitted|unexpected)",
    ),
    *_rows(About.STREAM_OPTIONS, r"stream_options|include_usage"),
    *_rows(
        About.REASONING_EFFORT,
        rf"{_REFUSES}[^.]{{0,60}}reasoning[._ ]?(?:effort|context)",
        rf"reasoning[._ ]?(?:effort|context)[^.]{{0,60}}{_REFUSES}",
        r"does(?:n't| not) support (?:reasoning|thinking)|extra inputs[^.]{0,40}reasoning",
    ),
    *_rows(
        About.IMAGES,
        # DeepSeek, and what else is written in Rust.
        r"unknown variant `?image",
        # vLLM.
        r"not a multi-?modal model|at most 0 image|does not support (?:vision|multi-?modal)",
        # llama.cpp with status 500, Ollama, OpenRouter with 404.
        r"image input is not supported|required for image input|endpoints found that support image",
        rf"(?:image|vision)\w*[^.]{{0,60}}{_REFUSES}",
        rf"{_REFUSES}[^.]{{0,40}}\b(?:image|vision)",
        r"image_url is only supported by|only supports? text|only 'text' content",
    ),
    *_rows(
        About.SYSTEM_ROLE,
        # Gemma's template and Gemini for Gemma.
        r"system role (?:is )?not supported|developer instruction is not enabled",
        rf"(?:system|developer)['\"`]? (?:role|message|prompt|instruction)s?\b[^.]{{0,30}}{_REFUSES}",
        rf"{_REFUSES}[^.]{{0,30}}(?:system|developer)['\"`]? (?:role|message|prompt|instruction)",
        # OpenAI's o1-mini, and servers that check a schema.
        r"does not support ['\"`](?:system|developer)['\"`]",
        r"unknown variant `(?:system|developer)|(?:system|developer)['\"`] is not one of",
        r"(?:unexpected|unsupported|invalid|unknown) role:? ['\"`]?(?:system|developer)",
        # Templates without a system message say so of one that begins with it: messages alternate anyhow.
        r"roles? must alternate|must alternate between",
    ),
    *_rows(
        About.LENGTH,
        r"context_length_exceeded|exceed_context_size|model_length_exceeded|string_above_max_length",
        # OpenAI, vLLM, SGLang, Mistral, DeepSeek.
        r"maximum (?:context|model|prompt|input)[ _]length|context[ _]length is only",
        # What vLLM says of what is left for the answer.
        r"max_tokens must be at least 1, got -",
        # llama.cpp, LM Studio, LiteLLM, MiniMax, Ollama.
        r"context[ _](?:size|length|window|limit)[^.]{0,30}(?:exceed|overflow|reached|too small)",
        r"(?:exceed|overflow|longer than|greater than|reached|larger than)[^.]{0,60}context",
        r"context the overflows",
        # TGI, Gemini, Bedrock, Cohere, Qwen.
        r"`inputs` tokens \+|`inputs` must have|token count[^.]{0,40}exceed",
        r"(?:input|prompt|message|request|conversation)s? (?:is|are|was) too (?:long|large)",
        r"too many (?:input )?tokens|range of input length|prompt exceeds max|exceeded model token limit",
        r"tokens? exceeds? the (?:configured )?limit|tokens in the prompt cannot exceed",
        # OpenAI, Groq, Cerebras, GitHub.
        r"reduce the length of|(?:request|body) too large for",
    ),
    *_rows(
        About.ANSWER_LIMIT,
        # OpenAI, DeepSeek, Qwen, Groq and most others name the field; Anthropic and Bedrock may not.
        r"max_?\w{0,12}tokens?\b|number of output tokens|maximum tokens you requested",
    ),
    *_rows(
        About.TOOLS,
        r"does(?:n't| not) support (?:tools|tool|function)",
        r"(?:role|message)[^.]{0,20}['\"`]tool['\"`]",
        r"tool[_ ]?(?:calls?|use|results?|messages?)\b[^.]{0,80}(?:must|without|not found|not support|no )",
    ),
    # Anthropic's word too, and Gemini's sentence.
    *_rows(Said.OVERLOADED, r"overloaded|slow_down"),
]

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
# What it is exceeded by is no limit.
_NUMBER = r"(?:(?! by )[^0-9]){0,24}?(\d{2,8})\b"
_WINDOW = [
    re.compile(pattern)
    for pattern in (
        rf"\bn_ctx{_NUMBER}",
        # Anthropic, in both of its forms.
        r"\d+ \+ \d+ > (\d+)|\d+ tokens > (\d+) maximum",
        rf"(\d+) maximum context|length is only{_NUMBER}",
        rf"maximum (?:\w+ )?(?:context|model|prompt|input)[ _]length{_NUMBER}",
        rf"context[ _](?:size|length|window|limit){_NUMBER}",
        rf"must be <={_NUMBER}|must have less than{_NUMBER}|tokens allowed{_NUMBER}",
        rf"(?:max input tokens|max size|cannot exceed|token limit|(?:configured )?limit(?: of| is)?)\b{_NUMBER}",
        r"\[\d+, ?(\d+)\]",
    )
]
_PROMPT = [
    re.compile(pattern)
    for pattern in (
        rf"n_prompt_tokens{_NUMBER}",
        r"(\d+)(?: tokens)? in the (?:messages|prompt)|(\d+) tokens from the input",
        r"resulted in (\d+) tokens|(?:has|passed) (\d+) input tokens|given: (\d+)",
        r"too long: (\d+)|limit: (\d+) \+|(?:request|prompt) contains (\d+)|keep the first (\d+)",
        r"\((?:length )?(\d+)(?: tokens)?\)[^.]{0,40}(?:exceed|longer)",
        r"current length is (\d+)|request input token count: (\d+)",
    )
]
_ANSWER = [
    re.compile(pattern)
    for pattern in (
        r"\[\d+, ?(\d+)\]",
        rf"at most{_NUMBER}|> (\d+), which is the maximum",
        rf"(?:less than or equal to|not less or equal to|<=|limit of|up to|lower than){_NUMBER}",
        r"to (\d+) \(exclusive\)",
        rf"maximum{_NUMBER}",
    )
]


def said_in(words: str) -> Said | Refusal | None:
    """What a refusal is about, by its words in lower case; None where they are not known."""
    about = next((about for about, pattern in _WORDS if pattern.search(words)), None)
    if not isinstance(about, About):
        return about
    numbers = _THOUSANDS.sub("", words)
    if about is About.LENGTH:
        return Refusal(about, _number(_WINDOW, numbers), _number(_PROMPT, numbers))
    return Refusal(about, _number(_ANSWER, numbers) if about is About.ANSWER_LIMIT else None)


def _number(patterns: list[re.Pattern[str]], words: str) -> int | None:
    for pattern in patterns:
        if (found := pattern.search(words)) is not None:
            return int(next(number for number in found.groups() if number))
    return None
