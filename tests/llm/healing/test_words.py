"""What servers say when they refuse a call, and what Neo takes it for: a refusal that can be mended, with the numbers
that it says, or a failure with the right code.
"""

from contextlib import aclosing
from typing import Any

import orjson
import pytest

from llm.raw_provider import raw_provider, refusal_head
from neo.errors import Failure
from neo.llm import (
    ContentFiltered,
    ImagesNotSupported,
    Models,
    ModelSpec,
    Prompt,
    PromptTooLong,
    ProviderIncomplete,
    ProviderMisconfigured,
    ProviderRateLimited,
    ProviderRejected,
    ProviderSettings,
    ProviderUnavailable,
    ResponseForgotten,
    Tier,
)
from neo.llm.healing.refusal import About, Refusal
from neo.llm.transport.words import said_in

LENGTH = [
    # OpenAI, DeepSeek and older vLLM.
    (
        (
            "This model's maximum context length is 8192 tokens. However, you requested 16400 tokens (16 in the "
            "messages, 16384 in the completion). Please reduce the length of the messages or completion."
        ),
        8192,
        16,
    ),
    (
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
        128000,
        130000,
    ),
    (
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        None,
        None,
    ),
    (
        "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.",
        272000,
        300000,
    ),
    # vLLM.
    (
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 16384. This model's maximum context length is 8192 "
            "tokens and your request has 12 input tokens (16384 > 8192 - 12)."
        ),
        8192,
        12,
    ),
    (
        (
            "You passed 9001 input tokens and requested 1024 output tokens. However, the model's context length is "
            "only 8192 tokens, resulting in a maximum input length of 7168 tokens."
        ),
        8192,
        9001,
    ),
    ("The decoder prompt (length 9000) is longer than the maximum model length of 8192.", 8192, 9000),
    ("max_tokens must be at least 1, got -4000.", None, None),
    # llama.cpp, LM Studio, Ollama.
    ("the request exceeds the available context size. try increasing the context size", None, None),
    ("request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it", 8192, 9000),
    ("exceed_context_size_error n_prompt_tokens 9000 n_ctx 4096", 4096, 9000),
    (
        (
            "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with "
            "context length of only 4096 tokens, which is not enough."
        ),
        4096,
        9000,
    ),
    ("The number of tokens to keep from the initial prompt is greater than the context length.", None, None),
    (
        "Reached context length of 4096 tokens, but this model does not currently support overflow.",
        4096,
        None,
    ),
    ("prompt too long; exceeded max context length by 400 tokens", None, None),
    ("Requested tokens (9000) exceed context window of 4096", 4096, 9000),
    # SGLang.
    ("The input (9000 tokens) is longer than the model's context length (8192 tokens).", 8192, 9000),
    (
        (
            "Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a total of "
            "9000 tokens: 8000 tokens from the input messages and 1000 tokens for the completion."
        ),
        8192,
        8000,
    ),
    # TGI, Together.
    (
        (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 6094 `inputs` tokens "
            "and 1024 `max_new_tokens`"
        ),
        4096,
        6094,
    ),
    ("`inputs` must have less than 1024 tokens. Given: 2000", 1024, 2000),
    # Gemini.
    (
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
        1048576,
        1048577,
    ),
    ("The input token count exceeds the maximum number of tokens allowed 32768.", 32768, None),
    # Bedrock, Anthropic.
    ("Input is too long for requested model.", None, None),
    ("Too many input tokens. Max input tokens: 8192, request input token count: 9000", 8192, 9000),
    ("prompt is too long: 215000 tokens > 200000 maximum", 200000, 215000),
    (
        (
            "input length and `max_tokens` exceed context limit: 190000 + 16384 > 200000, decrease input length or "
            "`max_tokens` and try again"
        ),
        200000,
        190000,
    ),
    # Mistral, xAI, Cohere, Cerebras, Moonshot, MiniMax, Qwen, Zhipu, GitHub.
    (
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        32768,
        40000,
    ),
    ("This model's maximum prompt length is 131072 but the request contains 140000 tokens.", 131072, 140000),
    ("total number of tokens in the prompt cannot exceed 4081 - received 5000.", 4081, None),
    (
        "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192",
        8192,
        9000,
    ),
    ("Invalid request: Your request exceeded model token limit: 8192", 8192, None),
    ("invalid params, context window exceeds limit", None, None),
    ("Range of input length should be [1, 30720]", 30720, None),
    ("Prompt exceeds max length", None, None),
    ("Request body too large for gpt-4o model. Max size: 8,000 tokens.", 8000, None),
    ("litellm.ContextWindowExceededError: litellm.BadRequestError: Context window exceeded", None, None),
    ("ContextWindowExceededError: VertexAIException - Request payload too big", None, None),
    # Vertex, Poolside, Atlas, Bedrock's Nova, SambaNova, Volcengine, watsonx, Qianfan, Databricks, Zhipu.
    (
        "the input token count is 9000 but model only supports up to 8192. Reduce the input token count.",
        8192,
        9000,
    ),
    (
        "Input length 131393 exceeds the maximum allowed input length of 131040 tokens.",
        131040,
        131393,
    ),
    ("Prompt too long: 5152 tokens exceeds max_seq_len 2048 (leave room for output tokens)", 2048, 5152),
    ("Input Tokens Exceeded: Number of input tokens exceeds maximum length.", None, None),
    (
        (
            "Requested generation length 900 is not possible! The provided prompt is 5000 tokens, and 4096 is the max "
            "sequence length."
        ),
        4096,
        5000,
    ),
    ("Total tokens of image and text exceed max message tokens.", None, None),
    ("the number of input tokens 5000 cannot exceed the total tokens limit 4096 for this model", 4096, 5000),
    ("prompt tokens too long", None, None),
    ("Error: Input length 5000 exceeds maximum allowed token size 4096", 4096, 5000),
    ("Prompt 超长", None, None),
    ("prompt is longer than max_model_len 4096", 4096, None),
    ("exceeded the maximum number of input tokens", None, None),
    ("This request would exceed the model's token limit", None, None),
    ("max_prompt_tokens exceeded", None, None),
    ("sequence length is longer than the maximum for this model (5000 > 4096)", 4096, 5000),
    ("Total tokens exceed max sequence length 8192", 8192, None),
    ("Your messages exceed the model's maximum input tokens (8192)", 8192, None),
    # MiniMax, which ends with its own number.
    ("invalid params, context window exceeds limit (2013)", None, None),
    # TensorRT-LLM, LM Studio.
    (
        "The sum of prompt length (5000.0), query length (0) should not exceed max_num_tokens (4096)",
        4096,
        5000,
    ),
    ("Cannot truncate prompt with n_keep (4981) >= n_ctx (4096)", 4096, 4981),
    ("input (600 tokens) is too large to process. increase the physical batch size", None, None),
    ("Context length exceeded: 9000 > 8192", 8192, None),
    ("the prompt does not fit into the context (8192 tokens)", None, None),
    ("input sequence length 5000 exceeds the configured limit of 4096", 4096, None),
    ("Range of input length should be [1,30720]", 30720, None),
    ("max tokens of 8192 exceeded", 8192, None),
    ("tokens: prompt_tokens (9000) > max_context (8192)", 8192, None),
    # SGLang, SambaNova, Perplexity, Snowflake, Baidu, OpenAI, Bedrock, mlx, LocalAI, KoboldCpp, Together.
    ("Input length (9000 tokens) exceeds the maximum allowed length (8186 tokens).", 8186, 9000),
    (
        (
            "Requested generation length 16384 is not possible! The provided prompt is 4309 tokens long, so generating "
            "16384 tokens requires a sequence length of 20693, but the maximum supported sequence length is just 4096!"
        ),
        4096,
        4309,
    ),
    ("The maximum context length of DeepSeek-V3 is 8192.", 8192, None),
    ("The number of input tokens (130000) exceeds the model's limit of 127072.", 127072, 130000),
    ("the total number of input tokens 40000 exceeds the model limit of 32768", 32768, 40000),
    ("the max length of current question is 11200 tokens", 11200, None),
    ("Invalid 'messages': array too long. Expected an array with maximum length 2048", None, None),
    ("Malformed input request: expected maxLength: 50000, actual: 60000", None, None),
    ("Prompt has 9000 tokens which exceeds max_kv_size 8192", 8192, None),
    ("the input exceeds the context window: 9000 > 8192", 8192, None),
    ("Prompt exceeds max context! Prompt tokens: 9000, Max context: 8192", 8192, 9000),
    ("The prompt is too long. The maximum length is 8192 tokens, but has more.", 8192, None),
    ("total token length exceeds model maximum context 32768", 32768, None),
    ("The prompt (total length 9000) is too long to fit into the model (context length 8192)", 8192, 9000),
    ("Prompt 0 contains 40000 tokens, too large for model with 32768 maximum context length", 32768, 40000),
    ("prompt token count of 140000 exceeds the limit of 128000", 128000, 140000),
    ("max_tokens=16384 cannot be greater than max_model_len=8192", 8192, None),
    ("prompt token count (9000) cannot exceed 8192. Please reduce the length of input prompt.", 8192, 9000),
    # What LiteLLM quotes of a server's answer.
    ('bad request - {"error":{"type":"context_length_exceeded","code":"400"}}', None, None),
]

ANSWER_LIMIT = [
    ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 8192),
    (
        "max_tokens is too large: 16384. This model supports at most 4096 completion tokens, you provided more.",
        4096,
    ),
    (
        "max_tokens: 16384 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet-20241022",
        8192,
    ),
    (
        (
            "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the "
            "`context_window` for this model"
        ),
        8192,
    ),
    ("<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 2048]", 2048),
    (
        "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 4096, but got 16384 instead.",
        4096,
    ),
    ("The maximum tokens you requested exceeds the model limit of 4096. Try again with a lower value.", 4096),
    ("Malformed input request: #/maxTokens: 16384 is not less or equal to 5120, please reformat", 5120),
    ("max_tokens is too high", None),
    ("maxOutputTokens is 65536 but the supported range is from 1 (inclusive) to 8193 (exclusive).", 8192),
    ("max_tokens must be between 1 and 4096", 4096),
    ("This model's maximum output length is 4096", 4096),
    ("max_tokens must be strictly less than 8192", 8191),
    ("max_tokens: Input should be less than or equal to 8000", 8000),
    ("max_output_tokens need be in [2,2048]", 2048),
    (
        (
            "too many tokens: max tokens must be less than or equal to 4096, the maximum output length for this "
            "model - received 16384."
        ),
        4096,
    ),
    # Databricks, Cerebras, SiliconFlow, Novita.
    (
        "max_tokens (16384) cannot exceed 8192. Please reduce the length of max output tokens generated.",
        8192,
    ),
    ("max_completion_tokens cannot be greater than 8192", 8192),
    ("max_tokens exceeds limit 8192", 8192),
    ("max_tokens must be ≤ 8,192", 8192),
    ("max_tokens: must be in the range 1 to 8192", 8192),
    ("max_tokens is too large: 16384 is not supported, at most 8192", 8192),
    # Zhipu.
    ("max_tokens参数非法。请检查文档。", None),
]

OTHER = [
    (
        About.IMAGES,
        "Failed to deserialize: messages[1]: unknown variant `image_url`, expected `text` at line 1",
    ),
    (About.IMAGES, "some/model is not a multimodal model"),
    (About.IMAGES, "At most 0 image(s) may be provided in one request."),
    (
        About.IMAGES,
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
    ),
    (About.IMAGES, "No endpoints found that support image input"),
    (About.IMAGES, "Model does not support images. Please use a model that does."),
    (About.IMAGES, "Invalid content type. image_url is only supported by certain models."),
    (About.IMAGES, "this model is missing data required for image input"),
    (About.IMAGES, "Image inputs are not supported by this model."),
    (About.IMAGES, "This model doesn't support the image content block that you provided."),
    (About.SYSTEM_ROLE, "System role not supported"),
    (About.SYSTEM_ROLE, "Developer instruction is not enabled for models/gemma-3-27b-it"),
    (About.SYSTEM_ROLE, "Unsupported value: 'messages[0].role' does not support 'system' with this model."),
    (About.SYSTEM_ROLE, "messages[0].role: unknown variant `developer`, expected one of `system`, `user`"),
    (
        About.SYSTEM_ROLE,
        "'developer' is not one of ['system', 'assistant', 'user', 'function'] - 'messages.0.role'",
    ),
    (About.IMAGES, "Multimodal input is not supported"),
    (About.IMAGES, "Only text inputs are supported"),
    (About.IMAGES, "This model is text-only"),
    (About.IMAGES, "Unknown part type: image_url"),
    (About.IMAGES, "The model does not have vision capabilities"),
    (About.IMAGES, "Vision is not supported for this model"),
    (
        About.PLAIN_TEXT,
        "'messages.1' : for 'role:user' the following must be satisfied[('messages.1.content' : value must be a string",
    ),
    (About.PLAIN_TEXT, "messages[0].content must be a string"),
    (About.PLAIN_TEXT, "string_type body messages content str Input should be a valid string"),
    (About.ROLES, "Conversation roles must alternate user/assistant/user/assistant/..."),
    (About.ROLES, "Only user and assistant roles are supported!"),
    (About.ROLES, "literal_error body messages role Input should be 'user' or 'assistant'"),
    (About.SYSTEM_ROLE, "Only user, assistant and tool roles are supported, got system."),
    (About.SYSTEM_ROLE, "messages with role 'system' are not supported"),
    (About.SYSTEM_ROLE, "Conversations must start with a user prompt"),
    (About.SYSTEM_ROLE, "First message must be from user"),
    (About.SYSTEM_ROLE, "system: Extra inputs are not permitted"),
    (About.SYSTEM_ROLE, "Unsupported parameter: 'instructions' is not supported with this model."),
    (
        About.SYSTEM_ROLE,
        'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter',
    ),
    (About.STREAM_OPTIONS, "extra_forbidden body stream_options Extra inputs are not permitted"),
    (About.STREAM_OPTIONS, 'json: unknown field "stream_options"'),
    (
        About.ANSWER_LIMIT_NAME,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ),
    (About.ANSWER_LIMIT_NAME, "Unrecognized request argument supplied: max_completion_tokens"),
    (About.REASONING_EFFORT, "Unsupported parameter: 'reasoning_effort' is not supported with this model."),
    (About.REASONING_EFFORT, "Unsupported parameter: 'reasoning.effort' is not supported with this model."),
    (About.STREAM_OPTIONS, 'Unknown name "streamOptions": Cannot find field.'),
    (About.STORE, "Store must be set to false"),
    (About.REASONING_EFFORT, "extra_forbidden body reasoning_effort Extra inputs are not permitted"),
    (About.REASONING_EFFORT, "Unrecognized request argument supplied: reasoning_effort"),
    (About.REASONING_EFFORT, "Unknown parameter: 'reasoning.effort'."),
    (About.REASONING_EFFORT, "thinking.type.enabled is not supported for this model."),
    (About.IMAGES, "<400> InternalError.Algo.InvalidParameter: Unexpected item type in content."),
    (
        About.IMAGES,
        "Input tag 'image_url' found using 'type' does not match any of the expected tags: 'text', 'reference'",
    ),
    (About.IMAGES, "literal_error body messages content type Input should be 'text'"),
    (About.IMAGES, "Invalid value: 'input_image'. Supported values are: 'text'."),
    (About.IMAGES, "'image_url' is not one of ['text'] - 'messages.1.content.1.type'"),
    (About.PLAIN_TEXT, "data did not match any variant of untagged enum MessageContent"),
    (About.SYSTEM_ROLE, "invalid params, invalid message role: system (2013)"),
    (About.ROLES, "Unexpected message role."),
    (About.ANSWER_LIMIT_NAME, "Unrecognized request argument supplied: max_tokens"),
    (About.ANSWER_LIMIT_NAME, "extra_forbidden body max_tokens Extra inputs are not permitted"),
    (About.REASONING_EFFORT, "output_config.effort: Extra inputs are not permitted"),
    (About.REASONING_EFFORT, "This model does not support the effort parameter."),
    (About.REASONING_EFFORT, "thinking: Input tag 'adaptive' found using 'type' does not match any of the"),
    (About.REASONING_EFFORT, "literal_error body reasoning_effort Input should be 'low' or 'medium'"),
    (About.REASONING_EFFORT, 'think value "xhigh" is not supported for this model'),
    (About.STORE, "`store` must be false and `previous_response_id` must be null"),
    (About.STORE, "Unknown parameter: 'store'."),
    (About.STORE, "Invalid value for 'store': must be false"),
    (About.STORE, "literal_error body store Input should be False"),
    (About.STORE, "store=true is not allowed for organizations with zero data retention"),
    (About.IMAGE_COUNT, "At most 1 image(s) may be provided in one prompt."),
    (About.IMAGE_COUNT, "Too many images provided. This model supports up to 5 images"),
    (About.IMAGE_COUNT, "vision model only supports a single image per message"),
    (About.ANSWER_LIMIT_NAME, "`max_tokens` is deprecated for this model, use `max_completion_tokens`"),
    (About.ANSWER_LIMIT_NAME, "openai does not support parameters: ['max_tokens'], for model=o3"),
    (About.STORE, "extra_forbidden body store Extra inputs are not permitted"),
    (About.STORE, "Storing responses is not allowed for this organization"),
    (About.STORE, "extraneous key [store] is not permitted"),
    (About.REASONING_EFFORT, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"),
    (About.REASONING_EFFORT, "`max_tokens` must be greater than `thinking.budget_tokens`."),
    (About.REASONING_EFFORT, "The thinking budget 32768 is invalid."),
    (About.REASONING_EFFORT, "Budget 0 is invalid. This model only works in thinking mode."),
    (About.REASONING_EFFORT, "Reasoning is mandatory for this endpoint and cannot be disabled."),
    (
        About.SYSTEM_ROLE,
        "Value 'system' at 'messages.1.member.role' failed to satisfy constraint: enum value set: [user, assistant]",
    ),
    (About.SYSTEM_ROLE, "#/messages/0/role: system is not a valid enum value, please reformat"),
    (About.SYSTEM_ROLE, "Argument not supported: instructions"),
    (About.SYSTEM_ROLE, r"Unexpected role \"system\". The Messages API accepts"),
    (
        About.SYSTEM_ROLE,
        "messages.role specified in the request are not valid: invalid value: developer, supported: system",
    ),
    (About.SYSTEM_ROLE, "developer is not one of ['system', 'assistant', 'user'] - 'messages.['0].role'"),
    (About.SYSTEM_ROLE, "invalid role in message at index 0: developer"),
    (About.SYSTEM_ROLE, "prompting with images is incompatible with system messages"),
    (About.ROLES, "Role specification invalid"),
    (About.ROLES, "[1214] Incorrect role information"),
    (
        About.CALLS,
        "Value 'tool' at 'messages.3.member.role' failed: enum value set: [system, user, assistant]",
    ),
    (About.CALLS, "#/messages/2/role: tool is not a valid enum value, please reformat"),
    (About.CALLS, "Function call is missing a thought_signature in functionCall parts."),
    (About.CALLS, "The `reasoning_content` in the thinking mode must be passed back to the API."),
    (About.CALLS, "thinking is enabled but reasoning_content is missing in assistant tool call message"),
    (About.CALLS, "Missing `reasoning_content` field in the assistant message"),
    (About.CALLS, "Expected `thinking` or `redacted_thinking`, but found `tool_use`."),
    (
        About.CALLS,
        "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'.",
    ),
    (About.CALLS, "Please ensure that function call turn comes immediately after a user turn"),
    (About.CALLS, "Not the same number of function calls and responses"),
    (About.CALLS, "No tool call found for function call output with call_id call_1."),
    (About.CALLS, "Jinja Exception: This model only supports single tool-calls at once!"),
    (About.TOOLS, "tools param requires --jinja flag"),
    (About.TOOLS, "No endpoints found that support tool use."),
    (About.CALLS, "tool_choice: Input tag 'none' found using 'type' does not match any of the expected tags"),
    (About.CALLS, "literal_error body tool_choice type Input should be 'auto', 'any' or 'tool'"),
    (About.CALLS, "extra_forbidden body messages assistant tool_calls Extra inputs are not permitted"),
    (About.CALLS, "Invalid value for 'content': expected a string, got null."),
    (
        About.CALLS,
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
    ),
    (About.CALLS, "'tool' is not one of ['system', 'assistant', 'user'] - 'messages.2.role'"),
    (About.CALLS, "literal_error body messages role Input should be 'system', 'user' or 'assistant'"),
    (About.TOOLS, "registry.ollama.ai/library/gemma:2b does not support tools"),
    (
        About.CALLS,
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
    ),
]


@pytest.mark.parametrize(("words", "window", "prompt"), LENGTH, ids=range(len(LENGTH)))
def test_too_long_is_understood_in_any_words(words: str, window: int | None, prompt: int | None) -> None:
    refusal = said_in(words.lower())

    assert isinstance(refusal, Refusal)
    assert (refusal.about, refusal.tokens_max, refusal.prompt_tokens) == (About.LENGTH, window, prompt)


@pytest.mark.parametrize(("words", "limit"), ANSWER_LIMIT, ids=range(len(ANSWER_LIMIT)))
def test_an_answer_limit_that_is_too_large_is_understood(words: str, limit: int | None) -> None:
    refusal = said_in(words.lower())

    assert isinstance(refusal, Refusal)
    assert (refusal.about, refusal.tokens_max) == (About.ANSWER_LIMIT, limit)


@pytest.mark.parametrize(("about", "words"), OTHER, ids=range(len(OTHER)))
def test_what_a_model_does_not_take_is_understood(about: About, words: str) -> None:
    assert said_in(words.lower()) == Refusal(about)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "internal server error",
        "invalid api key",
        "bad gateway",
        "the model is loading",
        "message is required",
        "the provisioned deployment is not available",
        "the model revision main cannot be loaded",
        "max_items of 'metadata': array too long",
        "the operating system is not reachable",
        "invalid value for 'temperature': must be less than or equal to 2",
    ],
)
def test_other_words_mean_nothing(words: str) -> None:
    assert said_in(words) is None


def test_long_words_are_read_quickly() -> None:
    for piece in (
        "max_tokens ",
        "context ",
        "image ",
        "system role ",
        "(",
        "1,",
        "input ",
        "role ",
        "a-1",
        "model ",
    ):
        said_in(piece * 4_000)


TOO_LONG = "This model's maximum context length is 8192 tokens."
THROTTLED = "Too many tokens, please wait before trying again."
MESSAGE = "What does maximum context length is 700 mean?"


def error(**fields: Any) -> dict[str, Any]:
    return {"error": fields}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        # However the error is wrapped.
        (400, error(message=TOO_LONG), PromptTooLong),
        (400, {"object": "error", "message": TOO_LONG, "code": 400}, PromptTooLong),
        (400, {"error": TOO_LONG}, PromptTooLong),
        (400, [error(message="The input token count exceeds the maximum", code=400)], PromptTooLong),
        (400, {"message": "Input is too long for requested model."}, PromptTooLong),
        (
            422,
            {"error": "`inputs` tokens + `max_new_tokens` must be <= 4096", "error_type": "validation"},
            PromptTooLong,
        ),
        (
            400,
            error(
                message="Provider returned error",
                metadata={"raw": orjson.dumps(error(message=TOO_LONG)).decode()},
            ),
            PromptTooLong,
        ),
        (
            400,
            error(code=400, message="too long", type="exceed_context_size_error", n_ctx=4096),
            PromptTooLong,
        ),
        (
            400,
            {
                "detail": [
                    {"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs"}
                ]
            },
            ProviderRejected,
        ),
        (400, TOO_LONG, PromptTooLong),
        (
            500,
            error(code=500, message="image input is not supported", type="server_error"),
            ImagesNotSupported,
        ),
        (404, error(code=404, message="No endpoints found that support image input"), ImagesNotSupported),
        (413, {}, PromptTooLong),
        # Filters.
        (
            400,
            error(code="data_inspection_failed", message="Input data may contain inappropriate content."),
            ContentFiltered,
        ),
        (
            403,
            error(
                code=403,
                message='Your input was flagged for "violence"',
                metadata={"reasons": ["violence"], "flagged_input": "..."},
            ),
            ContentFiltered,
        ),
        (400, error(message="Content Exists Risk", type="invalid_request_error"), ContentFiltered),
        (400, error(code="content_filter", message="filtered"), ContentFiltered),
        (400, error(code="invalid_prompt", message="flagged as potentially violating"), ContentFiltered),
        (400, error(code="bio_policy", message="no"), ContentFiltered),
        (400, error(code="misalignment_policy_violation", message="no"), ContentFiltered),
        # What the operator has to do.
        (
            429,
            error(code="insufficient_quota", message="You exceeded your current quota"),
            ProviderMisconfigured,
        ),
        (429, error(message="litellm.RateLimitError: insufficient_quota"), ProviderMisconfigured),
        (400, error(message="Your credit balance is too low to access the API."), ProviderMisconfigured),
        (402, error(message="Insufficient Balance"), ProviderMisconfigured),
        (404, error(message="Not Found"), ProviderMisconfigured),
        (403, error(message="Forbidden"), ProviderMisconfigured),
        (
            400,
            [error(code=400, message="API key not valid. Please pass a valid API key.")],
            ProviderMisconfigured,
        ),
        (
            400,
            {"message": "Invalid model: foo", "type": "invalid_model", "code": "1500"},
            ProviderMisconfigured,
        ),
        (400, {"message": "The provided model identifier is invalid."}, ProviderMisconfigured),
        (400, error(message="Model Not Exist"), ProviderMisconfigured),
        (400, error(message="foo/bar is not a valid model ID"), ProviderMisconfigured),
        (400, error(message="Invalid model name passed in model=foo."), ProviderMisconfigured),
        (
            400,
            error(message="You have reached your specified API usage limits."),
            ProviderMisconfigured,
        ),
        (
            404,
            error(message="The provisioned deployment is not available"),
            ProviderMisconfigured,
        ),
        (
            403,
            {"code": "x", "error": "Content violates usage guidelines. Team: x"},
            ContentFiltered,
        ),
        (400, error(code="InputTextSensitiveContentDetected", message="no"), ContentFiltered),
        # What passes.
        (400, {"__type": "ThrottlingException", "message": THROTTLED}, ProviderRateLimited),
        (500, {"message": THROTTLED}, ProviderRateLimited),
        (498, error(message="Flex tier capacity exceeded"), ProviderRateLimited),
        (424, {"error": "Request failed during generation"}, ProviderUnavailable),
        (503, error(code="context_length_exceeded", message="no"), PromptTooLong),
        # What was sent, in a text.
        (400, error(message=f"unsupported key, input_value={{'content': '{TOO_LONG}'}}"), ProviderRejected),
        (400, error(message=f"unknown key in {{'content': '{MESSAGE}'}}"), ProviderRejected),
        # Words count in refusals only.
        (429, error(message=TOO_LONG), ProviderRateLimited),
        (503, error(message=TOO_LONG), ProviderUnavailable),
        (401, error(message=TOO_LONG), ProviderMisconfigured),
        # What was sent is no word of the provider's.
        (422, {"detail": [{"msg": "Bad", "input": TOO_LONG}]}, ProviderRejected),
        (500, error(message="Oops"), ProviderUnavailable),
        (400, b"\xff{", ProviderRejected),
    ],
)
async def test_a_refusal_however_it_is_wrapped(status: int, body: Any, expected: type[Failure]) -> None:
    with pytest.raises(Failure) as raised:
        await refused(status, body)

    assert type(raised.value) is expected
    assert TOO_LONG not in str(raised.value.__cause__)


@pytest.mark.parametrize(
    ("status", "body", "expected", "keeps_responses"),
    [
        (
            400,
            error(code="previous_response_not_found", param="previous_response_id"),
            ResponseForgotten,
            True,
        ),
        (404, error(message="Response with id 'resp_1' not found.", code=404), ResponseForgotten, False),
        (
            400,
            error(message="litellm.BadRequestError: Response with id 'resp_1' not found", code="400"),
            ResponseForgotten,
            False,
        ),
        (400, error(message="`previous_response_id` is not supported"), ResponseForgotten, False),
        (
            500,
            error(message="litellm.APIError: Previous response with id 'resp_1' not found"),
            ResponseForgotten,
            False,
        ),
        (404, error(message="whatever"), ResponseForgotten, False),
        (422, {}, ResponseForgotten, False),
        (410, error(message="The response has expired."), ResponseForgotten, True),
        (403, error(message="You do not have access to response resp_1."), ResponseForgotten, False),
        (400, error(message=TOO_LONG), ResponseForgotten, True),
        (400, error(message="some model is not a multimodal model"), ResponseForgotten, True),
        (400, error(message="No tool output found for function call call_1."), ResponseForgotten, True),
        (400, error(code="content_filter"), ContentFiltered, None),
        (404, error(code="model_not_found"), ProviderMisconfigured, None),
        (400, error(message="Invalid 'max_output_tokens': Expected a value <= 4096"), ProviderRejected, None),
        (429, error(message="Slow down"), ProviderRateLimited, None),
        (500, error(message="Oops"), ProviderUnavailable, None),
    ],
)
async def test_a_continued_call_that_is_refused_is_tried_with_the_transcript(
    status: int, body: Any, *, expected: type[Failure], keeps_responses: bool | None
) -> None:
    with pytest.raises(Failure) as raised:
        await refused(status, body, previous_response_id="resp_1")

    assert type(raised.value) is expected
    assert getattr(raised.value, "keeps_responses", None) is keeps_responses


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            error(code="server_is_overloaded", message="Our servers are currently overloaded."),
            ProviderUnavailable,
        ),
        (error(code="slow_down"), ProviderUnavailable),
        (error(message="The model is overloaded. Please try again later."), ProviderUnavailable),
        (error(type="overloaded_error", message="Overloaded"), ProviderRateLimited),
        (error(code="rate_limit_exceeded"), ProviderRateLimited),
        (error(code="server_error", message="An error occurred."), ProviderIncomplete),
        (error(code="context_length_exceeded"), PromptTooLong),
        (error(message=TOO_LONG), PromptTooLong),
        (error(message=THROTTLED), ProviderRateLimited),
        (error(message="x", status=429), ProviderRateLimited),
        ({"error": TOO_LONG}, PromptTooLong),
    ],
)
async def test_a_refusal_within_the_stream(said: dict[str, Any], expected: type[Failure]) -> None:
    failed = {"type": "response.failed", "response": {"id": "resp_1", "status": "failed", **said}}

    with pytest.raises(Failure) as raised:
        await asked(b"data: %b\n\n" % orjson.dumps(failed))

    assert type(raised.value) is expected


async def test_a_response_that_is_forgotten_is_one_within_the_stream_too() -> None:
    with pytest.raises(ResponseForgotten):
        await asked(b'data: {"type": "error", "code": "not_found"}\n\n', previous_response_id="resp_1")


async def refused(status: int, body: Any, *, previous_response_id: str | None = None) -> None:
    sent = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else orjson.dumps(body)
    await asked(head=refusal_head(status, sent), ends=False, previous_response_id=previous_response_id)


async def asked(*writes: bytes, previous_response_id: str | None = None, **given: Any) -> None:
    async with raw_provider(*writes, **given) as provider:
        spec = ModelSpec.parse("openai:gpt-4o")
        settings = ProviderSettings(openai_api_key="key", openai_base_url=f"{provider.url}/v1")
        models = Models(spec, spec, settings)
        chosen = models.choose(Tier.FAST, None, None)
        prompt = Prompt("", (), MESSAGE)
        deltas = models.answer(chosen, prompt, previous_response_id=previous_response_id)
        try:
            async with aclosing(deltas):
                async for _ in deltas:
                    pass
        finally:
            await models.aclose()
