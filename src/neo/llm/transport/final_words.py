"""What providers say where no other prompt helps: the operator has to act, the filter refused, or waiting helps."""

from neo.llm.transport.row import Row, Said, rows

FINAL: list[Row] = [
    *rows(
        Said.OPERATOR,
        r"insufficient[_ ](?:quota|balance|credits?|funds)",
        r"credit balance is too low",
        r"billing_hard_limit|billing_not_active|credit_balance_exhausted|arrearage",
        r"(?:organization|project)_(?:spend|usage)_limit",
        r"\bmodel_not_found\b|\binvalid_api_key\b|\binvalid_model\b",
        r"spending limit|all available credits|exceeded_current_quota_error|余额不足",
        r"budget_exceeded|exceededbudget|budget has been exceeded",
        r"account\b[^.]{0,40} is suspended|not authorized to invoke|must be verified to stream",
        # Anthropic, which says it with status 400, as the others here do.
        r"reached your specified api usage limits",
        # Gemini.
        r"api[ _]key[ _](?:not valid|invalid|expired)|incorrect api key",
        # Mistral, LiteLLM, Bedrock, DeepSeek, OpenRouter.
        r"invalid model(?: name| id\b|:| identifier)|model identifier is invalid|model not exist|not a valid model id",
        # GitHub, Groq, Hugging Face, Bedrock, Azure.
        r"(?:unknown|unavailable)[_ ]model\b|decommissioned|model_terms_required|terms acceptance|model_not_supported",
        r"not supported by any provider|on-demand throughput|operation does not work with the specified model",
        r"\bmodel\b['\"` \w./:-]{0,80}\bis not supported for chat",
    ),
    *rows(
        Said.CONTENT,
        r"content[_ ]?filter|content_policy_violation|responsible_?ai_?policy_?violation",
        r"bio_policy|misalignment_policy_violation",
        # Qwen, DeepSeek, Moonshot.
        r"data_?inspection_?failed|content exists risk|considered high risk",
        # OpenRouter's moderation, Azure, OpenAI.
        r"input was flagged|flagged (?:for|as)|content management policy|violat\w+ (?:our|the) \w* ?policy",
        r"safety_violations|prohibited_content|blocked by (?:the )?(?:safety|content)",
        r"(?:rejected|blocked|filtered)[^.]{0,30}(?:safety (?:system|setting)|cortex guard)|moderation_blocked",
        # LiteLLM, Portkey, Databricks, Bedrock.
        r"violated [^.]{0,20}(?:guardrail|moderation) policy|guardrail checks|hooks_failed",
        r"guardrail_(?:triggered|intervened)",
        # xAI, Volcengine, Hunyuan, MiniMax.
        r"violates usage guidelines|sensitivecontent|new_sensitive",
        # Zhipu, Hunyuan.
        r"敏感",
    ),
    *rows(
        Said.BUSY,
        # Bedrock.
        r"too many (?:tokens|requests),? please wait|throttl(?:ing|ed)_?(?:exception|error)",
        r"limit of \d+ tokens per minute|exceeds? (?:the )?rate limit",
    ),
]
