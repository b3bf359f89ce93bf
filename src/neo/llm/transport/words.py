"""What providers say when they refuse a call. There is no standard: each server has words of its own, gateways wrap
those of others, and statuses and codes differ for the same fault.

Each row is a pattern in lower case; the first that is found counts. The patterns have short gaps only, so that a long
text costs no more than its length.
"""

import re
from enum import Enum, auto

from neo.llm.healing.refusal import About, Refusal
from neo.llm.transport.numbers import answer_limit, prompt_tokens, window


class Said(Enum):
    """A refusal that no other prompt can mend."""

    CONTENT = auto()
    """The content filter's."""
    OPERATOR = auto()
    """Only the operator can put it right: no credit, no such model."""
    OVERLOADED = auto()
    BUSY = auto()
    """Too many tokens in too short a time: waiting helps."""
    FORGOTTEN = auto()
    """The provider does not have the earlier response, or keeps none."""


def _rows(about: About | Said, *patterns: str) -> list[tuple[About | Said, re.Pattern[str]]]:
    return [(about, re.compile(pattern)) for pattern in patterns]


_REFUSES = r"(?:not support|n't support|unsupported|not enabled|not allowed|not accept|not available|cannot)"
_UNKNOWN = r"(?:unrecognized|unknown|unsupported|unexpected|extra|invalid)"
_EXTRA = r"(?:extra inputs|not permitted)"

_WORDS: list[tuple[About | Said, re.Pattern[str]]] = [
    *_rows(
        Said.OPERATOR,
        r"insufficient[_ ](?:quota|balance|credits?|funds)",
        r"credit balance is too low",
        r"billing_hard_limit|billing_not_active|credit_balance_exhausted|arrearage",
        r"(?:organization|project)_(?:spend|usage)_limit",
        r"\bmodel_not_found\b|\binvalid_api_key\b|\binvalid_model\b",
        # Anthropic, which says it with status 400, as the others here do.
        r"reached your specified api usage limits",
        # Gemini.
        r"api[ _]key[ _](?:not valid|invalid)",
        # Mistral, LiteLLM, Bedrock, DeepSeek, OpenRouter.
        r"invalid model(?: name| id\b|:)|model identifier is invalid|model not exist|not a valid model id",
    ),
    *_rows(
        Said.CONTENT,
        r"content[_ ]?filter|content_policy_violation|responsible_?ai_?policy_?violation",
        r"bio_policy|misalignment_policy_violation",
        # Qwen, DeepSeek, Moonshot.
        r"data_?inspection_?failed|content exists risk|considered high risk",
        # OpenRouter's moderation, Azure, OpenAI.
        r"input was flagged|flagged (?:for|as)|content management policy|violat\w+ (?:our|the) \w* ?policy",
        r"safety_violations|prohibited_content|blocked by (?:the )?(?:safety|content)",
        # xAI, Volcengine, MiniMax.
        r"violates usage guidelines|sensitivecontentdetected|new_sensitive",
        # Zhipu.
        r"不安全或敏感",
    ),
    # OpenRouter, which speaks of responses in the same sentence.
    *_rows(
        About.STORE,
        r"\bstore['\"`]?:? must be (?:set to )?false",
        rf"{_UNKNOWN} (?:request )?(?:parameter|field|argument)[^.]{{0,20}}\bstore\b",
        rf"\bstore\b['\"`=]?(?:true)?['\"`]?[^.]{{0,30}}(?:{_REFUSES}|input should be)",
    ),
    *_rows(
        Said.FORGOTTEN,
        r"previous_response|previous response",
        # vLLM, and LiteLLM before it.
        r"response with id\b|no response found|response[ _](?:id )?['\"]?resp_\S+ (?:was )?not found",
        r"access to (?:this |the )?response|response (?:has |is )?expired",
    ),
    *_rows(
        Said.BUSY,
        # Bedrock.
        r"too many tokens,? please wait|throttl(?:ing|ed)_?(?:exception|error)",
        r"limit of \d+ tokens per minute|exceeds? (?:the )?rate limit",
    ),
    *_rows(
        About.ANSWER_LIMIT_NAME,
        r"use ['\"`]?max_(?:completion_)?tokens['\"`]? instead",
        r"(?:unrecognized|unknown|unexpected|extra)\b[^.]{0,60}\bmax_(?:completion_)?tokens",
        r"unsupported (?:parameter|argument|field)[^.]{0,30}\bmax_(?:completion_)?tokens",
        r"\bmax_(?:completion_)?tokens[^.]{0,40}(?:not supported|extra inputs|not permitted|unexpected)",
    ),
    *_rows(About.STREAM_OPTIONS, r"stream[_ ]?options|include_?usage"),
    *_rows(
        About.REASONING_EFFORT,
        rf"{_REFUSES}[^.]{{0,60}}reasoning[._ ]?(?:effort|context)",
        rf"reasoning[._ ]?(?:effort|context)[^.]{{0,60}}(?:{_REFUSES}|{_EXTRA})",
        rf"\bthinking[\w.]{{0,20}}[^.]{{0,30}}(?:{_REFUSES}|{_EXTRA})",
        rf"{_UNKNOWN}[^.]{{0,60}}\breasoning(?:[._ ]?(?:effort|context))?\b",
        r"does(?:n't| not) support (?:reasoning|thinking|the effort)|output_config|think value",
        # Pydantic, which tells what may stand there instead.
        r"(?:thinking(?:\.type)?|reasoning[._ ]?effort)\b[^.]{0,60}input (?:tag|should be)",
    ),
    # vLLM, Groq, Mistral, Ollama, Anthropic.
    *_rows(
        About.IMAGE_COUNT,
        r"at most [1-9]\d* image|too many images|only supports? a single image|number of images exceed",
    ),
    *_rows(
        About.IMAGES,
        # DeepSeek, and what else is written in Rust.
        r"unknown variant `?image",
        # vLLM.
        r"not a multi-?modal model|at most 0 image|does not support (?:vision|multi-?modal)",
        rf"multi-?modal[^.]{{0,30}}{_REFUSES}",
        # llama.cpp with status 500, Ollama, OpenRouter with 404.
        r"image input is not supported|required for image input|endpoints found that support image",
        rf"(?:image\w*|\bvision\b)[^.]{{0,60}}{_REFUSES}",
        rf"{_REFUSES}[^.]{{0,40}}\b(?:image|vision\b)",
        r"image_url is only supported by|only supports? text|only text inputs?\b|only 'text' content",
        r"model is text-only|not have vision|type['\"`]?: must be ['\"`]text",
        rf"{_UNKNOWN} (?:\w+ ){{0,2}}(?:type|value):? ['\"`]?(?:input_)?image",
        # Qwen, pydantic, JSON Schema.
        r"unexpected item type in content|input tag '(?:input_)?image|should be 'text'(?! or)",
        r"'(?:input_)?image(?:_url)?' is not one of",
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
        r"(?:unexpected|unsupported|invalid|unknown) (?:message )?role:? ['\"`]?(?:system|developer)",
        r"input tag '(?:system|developer)",
        rf"role:? ['\"`]?(?:system|developer)\b[^.]{{0,30}}{_REFUSES}",
        # Mistral's templates and Llama's.
        r"only user, assistant (?:and|or) tool roles",
        r"(?:conversations?|first message|messages?) must (?:start|begin|be) (?:with|from) (?:an? )?['\"`]?user",
        # Of the other dialects' fields.
        rf"\bsystem['\"`]?:? {_EXTRA}|['\"`]instructions['\"`]? (?:is |are )?{_REFUSES}",
        rf"{_UNKNOWN} parameter:? ['\"`]?instructions",
    ),
    *_rows(
        About.TOOLS,
        # Bedrock.
        r"toolconfig field must be defined",
        r"['\"`]tool['\"`] is not one of|input tag 'tool|tool_choice|input should be 'auto'",
        # Pydantic, of a server that does take a system role.
        r"should be 'system', '(?:user|assistant)' or '(?:user|assistant)'",
    ),
    *_rows(
        About.ROLES,
        # Templates without a system message say so of one that begins with it: messages alternate anyhow.
        r"roles? must alternate|must alternate between",
        r"unexpected message role|only user and assistant roles|role must be one of",
        r"should be '(?:system|developer|user|assistant)'",
    ),
    # Groq, pydantic.
    *_rows(
        About.PLAIN_TEXT,
        r"(?:content|value) must be a string|should be a valid string|untagged enum messagecontent",
    ),
    # Cohere, in words that are about a prompt's length elsewhere.
    *_rows(About.ANSWER_LIMIT, r"max tokens must be less|maximum output length for this model"),
    *_rows(
        About.LENGTH,
        r"context_length_exceeded|exceed_context_size|model_length_exceeded|string_above_max_length",
        # LiteLLM, which has a class for it.
        r"contextwindowexceeded",
        # OpenAI, vLLM, SGLang, Mistral, DeepSeek, Poolside, SambaNova.
        r"max(?:imum)? (?:allowed )?(?:context|model|prompt|input|sequence)[ _]length|context[ _]length is only",
        r"max_model_len|max_seq_len|max_context|max_?(?:prompt|input)_?tokens",
        r"sequence length (?:is longer|[^.]{0,20}exceed)",
        # What vLLM says of what is left for the answer.
        r"max_tokens must be at least 1, got -",
        # TensorRT-LLM.
        r"sum of prompt length|prompt_len: \d",
        # llama.cpp, LM Studio, LiteLLM, MiniMax, Ollama.
        r"context[ _](?:size|length|window|limit)[^.]{0,30}(?:exceed|overflow|reached|too small)",
        r"(?:exceed|overflow|longer than|greater than|reached|larger than)[^.]{0,60}(?:context|max size)",
        r"context the overflows|cannot truncate prompt|too large to process|not fit into (?:\w+ ){0,2}context",
        # TGI, Gemini, Vertex, Bedrock, Cohere, Qwen.
        r"inputs?`? tokens \+|inputs?`? must have|token count[^.]{0,40}(?:exceed|supports up to)",
        r"(?:input|prompt|message|request|conversation)s? (?:tokens )?(?:(?:is|are|was) )?too (?:long|large)",
        r"maximum allowed number of tokens|tokens exceed limit",
        r"too many (?:input )?tokens|range of input length|prompt exceeds max|exceeded model token limit",
        r"tokens? exceeds? the (?:configured )?limit|tokens in the prompt (?:cannot )?exceed",
        r"exceed\w* (?:the )?max\w* (?:number of )?(?:message|input|prompt|context) tokens",
        r"your messages exceed|prompt length[^.]{0,20}exceed|length of the prompt exceed",
        # Bedrock's Nova, watsonx, Databricks.
        r"max(?:imum)? input tokens|max tokens of \d+ exceeded",
        r"input tokens exceeds? (?:the )?maximum|exceed the (?:model's |total )?tokens? limit",
        r"maximum allowed token size|tokens limit exceed|number of tokens exceed",
        # Zhipu.
        r"超长",
        # OpenAI, Groq, Cerebras, GitHub.
        r"reduce the length of|(?:request|body) too large for",
    ),
    *_rows(
        About.ANSWER_LIMIT,
        # OpenAI, DeepSeek, Qwen, Groq and most others name the field; Anthropic and Bedrock may not.
        r"max_?[a-z_]{0,12}tokens?(?![a-z_])|number of output tokens",
        r"maximum output length|maximum tokens you requested",
    ),
    *_rows(
        About.TOOLS,
        r"does(?:n't| not) support (?:tools|tool|function)|expected a string, got null",
        r"(?:role|message)[^.]{0,20}['\"`]tool['\"`]",
        r"tool[_ ]?(?:calls?|use|results?|messages?)\b[^.]{0,80}(?:must|without|not found|not support|no )",
        r"tool[_ ]?(?:calls?|use|results?|messages?)\b[^.]{0,80}extra inputs",
    ),
    # OpenAI's code for a prompt that the filter refused; OpenRouter has it for all that it cannot read.
    *_rows(Said.CONTENT, r"^(?:error )?invalid_prompt$"),
    # Anthropic's word too, and Gemini's sentence.
    *_rows(Said.OVERLOADED, r"overloaded|slow_down"),
]


def said_in(words: str) -> Said | Refusal | None:
    """What a refusal is about, by its words in lower case; None where they are not known."""
    about = next((about for about, pattern in _WORDS if pattern.search(words)), None)
    if not isinstance(about, About):
        return about
    if about is About.LENGTH:
        return Refusal(about, window(words), prompt_tokens(words))
    return Refusal(about, answer_limit(words) if about is About.ANSWER_LIMIT else None)
