"""Refusals that no other prompt mends get the code of who can do something."""

import pytest

from neo.errors import Failure
from neo.llm import (
    ContentFiltered,
    ProviderMisconfigured,
    ProviderRateLimited,
    ProviderRejected,
)
from neo.llm.healing.refusal import About
from neo.llm.transport.failures import failure
from neo.llm.transport.provider_error import ProviderError, error_in_stream


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (400, "Incorrect API key provided: xa***.", ProviderMisconfigured),
        (400, "API key expired. Please renew the API key.", ProviderMisconfigured),
        (412, "Account x is suspended, possibly due to reaching a limit", ProviderMisconfigured),
        (412, "Precondition failed", ProviderRejected),
        (429, "Your account org-x is suspended, please check your plan", ProviderMisconfigured),
        (429, "余额不足或无可用资源包,请充值。", ProviderMisconfigured),
        (429, "Your team has used all available credits", ProviderMisconfigured),
        (429, "ExceededBudget: Team=x over budget", ProviderMisconfigured),
        (400, "Budget has been exceeded! Current cost: 10.01, Max budget: 10.0", ProviderMisconfigured),
        # For these waiting helps.
        (
            429,
            "You exceeded your current quota, please check your plan and billing details",
            ProviderRateLimited,
        ),
        (429, "当前API请求过多，请稍后重试。", ProviderRateLimited),
        (400, "Too many requests, please wait before trying again.", ProviderRateLimited),
        (400, "The requested model 'x/y' is not supported by any provider", ProviderMisconfigured),
        (400, "The model `x` has been decommissioned and is not supported", ProviderMisconfigured),
        (400, "输入内容包含敏感信息", ContentFiltered),
        (400, 'Invalid model identifier "x". Please specify a valid downloaded model', ProviderMisconfigured),
        (400, "model_terms_required", ProviderMisconfigured),
        (400, "model ID x with on-demand throughput isn't supported.", ProviderMisconfigured),
        (400, "Your account is not authorized to invoke this API operation.", ProviderMisconfigured),
        (400, "Unknown model: gpt-9", ProviderMisconfigured),
        (400, "unavailable_model", ProviderMisconfigured),
        (400, "The chatCompletion operation does not work with the specified model", ProviderMisconfigured),
        (400, "Your organization must be verified to stream this model.", ProviderMisconfigured),
        (400, "model `pictures-1` is not supported for chat", ProviderMisconfigured),
        (400, "'Violated guardrail policy'", ContentFiltered),
        (400, "Violated OpenAI moderation policy", ContentFiltered),
        (446, "The guardrail checks defined in the config failed.", ContentFiltered),
        (400, '"finishReason":"input_guardrail_triggered"', ContentFiltered),
        (400, "Response filtered by Cortex Guard", ContentFiltered),
        (400, "This request has been rejected as a result of our safety system.", ContentFiltered),
        (400, "Request was blocked due to safety settings", ContentFiltered),
        (400, "InvalidParameterValue.SensitiveContent", ContentFiltered),
        # A guardrail that is written wrongly filters nothing.
        (400, "guardrail identifier is malformed", ProviderRejected),
    ],
)
def test_the_code_says_who_can_do_something(status: int, words: str, expected: type[Failure]) -> None:
    error = ProviderError({"message": words}, status=status, in_stream=False)

    assert type(failure(error, is_continued=False)) is expected


@pytest.mark.parametrize(
    ("words", "expected", "about"),
    [
        ("", ContentFiltered, None),
        ("your prompt was flagged as potentially violating our policy", ContentFiltered, None),
        ("Something about it is wrong.", ProviderRejected, About.UNEXPLAINED),
    ],
)
def test_a_prompt_that_is_refused_within_the_stream(
    words: str, expected: type[Failure], about: About | None
) -> None:
    refused = failure(error_in_stream({"code": "invalid_prompt", "message": words}), is_continued=False)

    assert type(refused) is expected
    refusal = getattr(refused, "refusal", None)
    assert (refusal.about if refusal else None) is about
