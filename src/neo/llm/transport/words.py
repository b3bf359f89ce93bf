"""What providers say when they refuse a call. There is no standard: each server has words of its own, gateways wrap
those of others, and statuses and codes differ for the same fault.

The first row that is found counts.
"""

import re

from neo.llm.healing.refusal import About, Refusal
from neo.llm.transport.final_words import FINAL
from neo.llm.transport.image_words import IMAGES
from neo.llm.transport.numbers import answer_limit, prompt_tokens, window
from neo.llm.transport.row import EXTRA, REFUSES, UNKNOWN, Row, Said, rows

_MENDABLE: list[Row] = [
    # OpenRouter, which speaks of responses in the same sentence.
    *rows(
        About.STORE,
        r"\bstore['\"`]?:? must be (?:set to )?false",
        rf"{UNKNOWN} (?:request )?(?:parameter|field|argument)[^.]{{0,20}}\bstore\b",
        rf"\bstore\b['\"`=]?(?:true)?['\"`]?[^.]{{0,30}}(?:{REFUSES}|{EXTRA}|input should be)",
        r"storing responses is not|extraneous key \[store\]",
    ),
    *rows(
        Said.FORGOTTEN,
        r"previous_response|previous response",
        # vLLM, and LiteLLM before it.
        r"response with id\b|no response found|response[ _](?:id )?['\"]?resp_\S+ (?:was )?not found",
        r"access to (?:this |the )?response|response (?:has |is )?expired",
    ),
    *rows(
        About.ANSWER_LIMIT_NAME,
        r"use ['\"`]?max_(?:completion_)?tokens['\"`]? instead",
        r"(?:unrecognized|unknown|unexpected|extra)\b[^.]{0,60}\bmax_(?:completion_)?tokens",
        r"(?:unsupported|not support) (?:parameter|argument|field)[^.]{0,30}\bmax_(?:completion_)?tokens",
        r"\bmax_(?:completion_)?tokens[^.\d]{0,40}(?:not supported|extra inputs|not permitted|unexpected|deprecated)",
    ),
    *rows(About.STREAM_OPTIONS, r"stream[_ ]?options|include_?usage"),
    # Groq, Mistral, Gemini, xAI, OpenAI, of what goes back with calls, or is asked for to go back.
    *rows(
        About.CARRIED,
        rf"(?:reasoning_(?:content|details)|extra_content|provider_specific_fields)['\"`]?[^.]{{0,60}}(?:{REFUSES}|{EXTRA})",
        rf"(?:{UNKNOWN}|{EXTRA})[^.]{{0,60}}(?:reasoning_(?:content|details)|extra_content|provider_specific_fields)",
        r"cannot find field[^.]{0,60}extra_content|encrypted[ _]content|signature['\"`]? in ['\"`]?thinking",
        rf"{UNKNOWN}[^.]{{0,30}}['\"`: ]include\b|not supported: include|\binclude['\"`]?[^.]{{0,20}}{REFUSES}",
        r"corrupted thought|thinking blocks[^.]{0,60}cannot be modified",
    ),
    # OpenAI, DeepSeek, Groq, Moonshot, Gemini, Anthropic, Bedrock.
    *rows(
        About.TOOL_SCHEMA,
        r"invalid[^.]{0,20} schema for (?:function|tool)|invalid_function_parameters|flavored json schema",
        r"\btools?(?:\[\d+\]|\.\d+\b)|function_?declarations?\b|(?:input|tool)_?schema\b",
        r"only allowed for (?:object|string|array) type|should be non-empty for object|proto field is not repeating",
        # llama.cpp, LM Studio, vLLM, SGLang, Cerebras, Fireworks.
        r"(?:parse|compile|invalid|initialize) (?:the )?grammar|grammar (?:error|is invalid)|initialize samplers",
        r"json schema (?:conversion|contains|is invalid)|unsupported json schema|unrecognized schema",
        r"not supported by (?:xgrammar|outlines|guidance)|unimplemented keys|schema (?:is )?too (?:complex|deep|large)",
        r"error resolving ref|property keys should match|schema must (?:be|have)|array schema missing items",
    ),
    # Of calls that come without the thoughts before them: Gemini, DeepSeek, Moonshot, Anthropic, OpenAI.
    *rows(
        About.CALLS,
        r"thought_?signature|missing ['\"`]?reasoning_content",
        r"reasoning_content['\"`]?[^.]{0,40}(?:missing|passed back)",
        r"expected ['\"`]*thinking['\"`]* or|must start with a thinking block|required ['\"`]*reasoning['\"`]* item",
    ),
    *rows(
        About.REASONING_EFFORT,
        r"budget_tokens|thinking[ _]budget|only works in thinking mode|reasoning is (?:mandatory|required)",
        rf"{REFUSES}[^.]{{0,60}}reasoning[._ ]?(?:effort|context)",
        rf"reasoning[._ ]?(?:effort|context)[^.]{{0,60}}(?:{REFUSES}|{EXTRA})",
        rf"\bthinking[\w.]{{0,20}}[^.]{{0,30}}(?:{REFUSES}|{EXTRA})",
        rf"{UNKNOWN}[^.]{{0,60}}\breasoning(?:[._ ]?(?:effort|context))?\b",
        r"does(?:n't| not) support (?:reasoning|thinking|the effort)|output_config|think value",
        # Pydantic, which tells what may stand there instead.
        r"(?:thinking(?:\.type)?|reasoning[._ ]?effort)\b[^.]{0,60}input (?:tag|should be)",
    ),
    *IMAGES,
    *rows(
        About.SYSTEM_ROLE,
        # Gemma's template and Gemini for Gemma.
        r"system role (?:is )?not supported|developer instruction is not enabled",
        rf"(?:system|developer)['\"`]? (?:role|message|prompt|instruction)s?\b[^.]{{0,30}}{REFUSES}",
        rf"{REFUSES}[^.]{{0,30}}(?:system|developer)['\"`]? (?:role|message|prompt|instruction)",
        # OpenAI's o1-mini, and servers that check a schema.
        r"does not support ['\"`](?:system|developer)['\"`]",
        r"unknown variant `(?:system|developer)|\b(?:system|developer)['\"`]? is not (?:one of|a valid)",
        r"value:? ['\"`]*(?:system|developer)['\"`]* at ['\"`]*messages",
        r"roles?\b[^.]{0,60}invalid value:? ['\"`]*(?:system|developer)\b",
        r"invalid role in [^.,:]{0,30}: ['\"`]*(?:system|developer)\b",
        r"(?:unexpected|unsupported|invalid|unknown) (?:message )?role:? ['\"`]*(?:system|developer)",
        r"input tag '(?:system|developer)",
        rf"role:? ['\"`]?(?:system|developer)\b[^.]{{0,30}}{REFUSES}",
        # Mistral's templates and Llama's.
        r"only user, assistant (?:and|or) tool roles",
        r"(?:conversations?|first message|messages?) must (?:start|begin|be) (?:with|from) (?:an? )?['\"`]?user",
        # Of the other dialects' fields.
        rf"\bsystem['\"`]?:? {EXTRA}|['\"`]instructions['\"`]? (?:is |are )?{REFUSES}",
        rf"{UNKNOWN} parameter:? ['\"`]?instructions|argument not supported[^.:]{{0,20}}: ['\"`]?instructions",
        # Groq, of prompts with images.
        r"incompatible with system messages",
    ),
    *rows(
        About.CALLS,
        # Bedrock.
        r"toolconfig field must be defined",
        r"\btool['\"`]? is not (?:one of|a valid enum)|value ['\"`]*tool['\"`]* at ['\"`]*messages",
        r"input tag 'tool|tool_choice|input should be 'auto'",
        # Gemini, Mistral, OpenAI's responses.
        r"function (?:call|response) (?:turn|parts)|number of function calls|no tool (?:call|output) found",
        # Llama's template, LiteLLM.
        r"single tool-?calls? at|['\"`]tools=",
        # Pydantic, of a server that does take a system role.
        r"should be 'system', '(?:user|assistant)' or '(?:user|assistant)'",
    ),
    # llama.cpp, vLLM, OpenRouter, Groq.
    *rows(
        About.TOOLS,
        r"requires --jinja|--enable-auto-tool-choice|that support tool use|tool calling is not (?:supported|enabled)",
    ),
    *rows(
        About.ROLES,
        # Templates without a system message say so of one that begins with it: messages alternate anyhow.
        r"roles? must alternate|must alternate between",
        r"role specification invalid|incorrect role information",
        r"unexpected message role|only user and assistant roles|role must be one of|please use a valid role",
        r"should be '(?:system|developer|user|assistant)'",
    ),
    # Groq, pydantic.
    *rows(
        About.PLAIN_TEXT,
        r"(?:content|value) must be a string|should be a valid string|untagged enum messagecontent",
    ),
    # Cohere and Databricks, in words that are about a prompt's length elsewhere.
    *rows(
        About.ANSWER_LIMIT,
        r"max tokens must be less|maximum output length for this model|length of max output tokens",
        r"max_(?:completion_|output_|new_)?tokens['\"`]?(?: ?\(\d+\))? cannot exceed \d",
    ),
    *rows(
        About.LENGTH,
        r"context_length_exceeded|exceed_context_size|model_length_exceeded|string_above_max_length",
        # LiteLLM, which has a class for it.
        r"contextwindowexceeded",
        # OpenAI, vLLM, SGLang, Mistral, DeepSeek, Poolside, SambaNova.
        r"max(?:imum)? (?:allowed |supported )?(?:context|model|prompt|input|sequence)[ _]length",
        r"context[ _]length is only",
        r"maximum allowed length|max length of current question|requested generation length|max_kv_size",
        r"number of input tokens[^.]{0,20}exceed|(?:messages|input)['\"`]?: array too long|expected maxlength",
        r"max_model_len|max_seq_len|max_context|max_?(?:prompt|input)_?tokens",
        r"sequence length (?:is longer|[^.]{0,20}exceed)",
        # What vLLM says of what is left for the answer.
        r"max_tokens must be at least 1, got -",
        # TensorRT-LLM.
        r"sum of prompt length|prompt_len: \d",
        # llama.cpp, LM Studio, LiteLLM, MiniMax, Ollama.
        r"context[ _](?:size|length|window|limit)[^.]{0,30}(?:exceed|overflow|reached|too small)",
        r"(?:exceed|overflow|longer than|greater than|reached|larger than)[^.]{0,60}(?:context|max size)",
        r"context the overflows|cannot truncate prompt|too large to process",
        r"(?:not|too long to) fit into (?:\w+ ){0,2}(?:context|model)",
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
    *rows(
        About.ANSWER_LIMIT,
        # OpenAI, DeepSeek, Qwen, Groq and most others name the field; Anthropic and Bedrock may not.
        r"max_?[a-z_]{0,12}tokens?(?![a-z_])|number of output tokens",
        r"maximum output length|maximum tokens you requested",
    ),
    # Ollama, Together.
    *rows(
        About.TOOLS,
        r"does(?:n't| not) support (?:tools|tool|function)",
        r"\b(?:tools|functions?)['\"`]? (?:is|are) not (?:supported|allowed)",
        rf"{UNKNOWN} (?:request )?(?:parameter|field|argument|name)s?(?: supplied)?:? ['\"`]?tool(?:s|_choice)\b",
    ),
    *rows(
        About.CALLS,
        r"expected a string, got null",
        r"(?:role|message)[^.]{0,20}['\"`]tool['\"`]",
        r"tool[_ ]?(?:calls?|use|results?|messages?)\b[^.]{0,80}(?:must|without|not found|not support|no )",
        r"tool[_ ]?(?:calls?|use|results?|messages?)\b[^.]{0,80}extra inputs",
    ),
    # OpenRouter, where a provider is to know all parameters.
    *rows(About.UNEXPLAINED, r"can handle the requested parameters"),
    # OpenAI's code for a prompt that the filter refused; OpenRouter has it for all that it cannot read.
    *rows(Said.CONTENT, r"^(?:error )?invalid_prompt\s*$"),
    *rows(About.UNEXPLAINED, r"\binvalid_prompt\b"),
    # Anthropic's word too, and Gemini's sentence.
    *rows(Said.OVERLOADED, r"overloaded|slow_down"),
]


# A word with a digit and a hyphen names a model, and many are called after what they do.
_WORD = re.compile(r"(?<![\w.:/@-])[\w.:/@-]+")
_ABLE = re.compile(r"-(?:vision|image|thinking|reasoning)\b")


def said_in(words: str) -> Said | Refusal | None:
    """What a refusal is about, by its words in lower case; None where they are not known."""
    # Gateways put JSON into a text.
    words = _WORD.sub(_unless_named, words.replace('\\"', '"'))
    about = next((about for about, pattern in (*FINAL, *_MENDABLE) if pattern.search(words)), None)
    if not isinstance(about, About):
        return about
    if about is About.LENGTH:
        return Refusal(about, window(words), prompt_tokens(words))
    return Refusal(about, answer_limit(words) if about is About.ANSWER_LIMIT else None)


def _unless_named(word: re.Match[str]) -> str:
    is_model = _ABLE.search(word[0]) is not None and any(map(str.isdigit, word[0]))
    return "" if is_model else word[0]
