"""Every way a provider can fail, in every dialect, and what Neo says to it."""

import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

import neo.llm.reading.texts
from llm.asking import Ask, Calls, Received, eventually
from neo.errors import Failure
from neo.llm import (
    AnswerTooLong,
    ContentFiltered,
    Models,
    ModelSpec,
    Prompt,
    PromptTooLong,
    ProviderFailure,
    ProviderIncomplete,
    ProviderMisconfigured,
    ProviderRateLimited,
    ProviderRejected,
    ProviderSettings,
    ProviderTimeout,
    ProviderUnavailable,
    ResponseForgotten,
)

each_dialect = pytest.mark.parametrize("dialect", ["scripted", "scripted-chat", "scripted-anthropic"])
each_openai_dialect = pytest.mark.parametrize("dialect", ["scripted", "scripted-chat"])


@each_dialect
@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("status=429", ProviderRateLimited),
        ("status=529", ProviderRateLimited),
        ("status=500", ProviderUnavailable),
        ("status=502", ProviderUnavailable),
        ("status=503", ProviderUnavailable),
        ("status=408", ProviderUnavailable),
        ("status=409", ProviderUnavailable),
        ("status=400", ProviderRejected),
        ("status=418", ProviderRejected),
        ("status=422", ProviderRejected),
        ("status=401", ProviderMisconfigured),
        ("status=402", ProviderMisconfigured),
        ("status=403", ProviderMisconfigured),
        ("status=404", ProviderMisconfigured),
        ("no-such-scenario", ProviderMisconfigured),
        ("status=413", PromptTooLong),
        ("status=400,code=context_length_exceeded", PromptTooLong),
    ],
)
async def test_a_refused_call(ask: Ask, dialect: str, scenario: str, expected: type[Failure]) -> None:
    with pytest.raises(expected) as raised:
        await ask(f"{dialect}:{scenario}")

    assert raised.value.__cause__ is not None
    assert "scenario" not in raised.value.message


@each_openai_dialect
@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("status=400,code=content_filter", ContentFiltered),
        ("status=429,code=insufficient_quota", ProviderMisconfigured),
        ("error_after=1,code=rate_limit_exceeded", ProviderRateLimited),
        ("error_after=1,code=context_length_exceeded", PromptTooLong),
    ],
)
async def test_what_only_a_code_tells(ask: Ask, dialect: str, scenario: str, expected: type[Failure]) -> None:
    with pytest.raises(expected):
        await ask(f"{dialect}:{scenario}")


@each_dialect
@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("trouble", ["half", "eof", "reset", "error_after", "failed_after", "bad_json"])
async def test_an_answer_that_breaks_off_never_completes(
    ask: Ask, dialect: str, trouble: str, after: int
) -> None:
    received = Received()

    with pytest.raises(ProviderFailure) as raised:
        await ask(f"{dialect}:tokens=5,{trouble}={after}", into=received)

    # Anthropic's error event says why it broke off: the scripted one is overloaded.
    says_busy = dialect == "scripted-anthropic" and trouble in ("error_after", "failed_after")
    assert type(raised.value) is (ProviderRateLimited if says_busy else ProviderIncomplete)
    assert raised.value.retryable
    assert received.text == "w1 w2 "[: 3 * after]


@each_dialect
async def test_an_answer_without_its_final_event_is_not_complete(ask: Ask, dialect: str) -> None:
    """All the text was there; only the provider's word that it was all is missing."""
    with pytest.raises(ProviderIncomplete):
        await ask(f"{dialect}:tokens=3,eof=3")


@each_dialect
@pytest.mark.parametrize("scenario", ["hang_after=0", "hang_after=2", "first_ms=20000"])
async def test_silence_ends_in_time_and_hangs_up(
    ask: Ask,
    calls: Calls,
    impatient: Models,
    dialect: str,
    scenario: str,
) -> None:
    name = f"tokens=5,{scenario},key={dialect}"
    started_at = time.monotonic()

    with pytest.raises(ProviderTimeout):
        await ask(f"{dialect}:{name}", through=impatient)

    assert 0.95 < time.monotonic() - started_at < 10

    async def has_gone() -> bool:
        return [call["disconnected"] for call in await calls(name)] == [True]

    assert await eventually(has_gone)


@each_dialect
async def test_an_answer_is_over_when_the_provider_says_so_and_not_when_it_hangs_up(
    ask: Ask, dialect: str
) -> None:
    received = await ask(f"{dialect}:tokens=2,open_end")

    assert received.text == "w1 w2 "
    assert received.completed.finish_reason == "stop"
    assert received.completed.output_tokens == 2


async def test_time_between_chunks_is_counted_anew(ask: Ask, impatient: Models) -> None:
    received = await ask("scripted:tokens=6,delay_ms=300", through=impatient)

    assert received.text == "w1 w2 w3 w4 w5 w6 "


async def test_a_model_that_reasons_may_be_silent_for_longer(ask: Ask, settings: ProviderSettings) -> None:
    spec = ModelSpec.parse("scripted:tokens=1")
    models = Models(spec, spec, replace(settings, idle_seconds=0.2, thinking_seconds=5))

    received = await ask("scripted:tokens=1,first_ms=600", through=models, reasoning_effort="high")

    assert received.text == "w1 "
    await models.aclose()


@each_dialect
async def test_retry_after_is_read_in_both_forms_and_capped(ask: Ask, dialect: str) -> None:
    assert await _retry_after_seconds(ask, f"{dialect}:status=429,retry_after=7") == 7
    assert await _retry_after_seconds(ask, f"{dialect}:status=429,retry_after=3600") == 60
    assert await _retry_after_seconds(ask, f"{dialect}:status=429,retry_date=30") in (29, 30)
    assert await _retry_after_seconds(ask, f"{dialect}:status=429") is None


@each_dialect
async def test_nothing_is_retried_here(ask: Ask, dialect: str) -> None:
    model = f"{dialect}:tokens=1,status=503,times=1,key=once-{dialect}"

    with pytest.raises(ProviderUnavailable):
        await ask(model)

    assert (await ask(model)).text == "w1 "


async def test_a_forgotten_response_has_a_failure_of_its_own(ask: Ask) -> None:
    with pytest.raises(ResponseForgotten):
        await ask("scripted:tokens=1", previous_response_id="resp_unknown")


async def test_a_response_that_outgrew_the_model_counts_as_forgotten(ask: Ask) -> None:
    first = await ask("scripted:tokens=1")

    with pytest.raises(ResponseForgotten):
        await ask(
            "scripted:status=400,code=context_length_exceeded",
            previous_response_id=first.completed.response_id,
        )


async def test_a_provider_that_is_not_there(ask: Ask, settings: ProviderSettings) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        spec = ModelSpec.parse("scripted:tokens=1")
        models = Models(spec, spec, replace(settings, scripted_model_url=nowhere))

        with pytest.raises(ProviderUnavailable):
            await ask("scripted:tokens=1", through=models)
    await models.aclose()


async def test_a_name_that_does_not_resolve(ask: Ask, settings: ProviderSettings) -> None:
    spec = ModelSpec.parse("compatible:tokens=1")
    models = Models(spec, spec, replace(settings, compatible_base_url="http://nowhere.invalid/v1"))

    with pytest.raises(ProviderUnavailable):
        await ask("compatible:tokens=1", through=models)
    await models.aclose()


async def test_an_answer_without_end_is_stopped(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo.llm.reading.texts, "ANSWER_CHARACTERS_MAX", 100)

    with pytest.raises(AnswerTooLong):
        await ask("scripted:tokens=1000")


async def test_a_proxy_from_the_environment_is_not_asked_for_loopback(
    ask: Ask, settings: ProviderSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    spec = ModelSpec.parse("scripted:tokens=1")
    models = Models(spec, spec, settings)

    assert (await ask("scripted:tokens=1", through=models)).text == "w1 "
    await models.aclose()


async def test_failures_show_nothing_of_the_provider(ask: Ask, scripted_url: str) -> None:
    with pytest.raises(ProviderFailure) as raised:
        await ask("scripted:status=500", Prompt("secret instructions", (), "private words"))

    for hidden in (scripted_url, "scripted", "secret", "private", "500"):
        assert hidden not in raised.value.message


@pytest.fixture
async def impatient(settings: ProviderSettings) -> AsyncIterator[Models]:
    spec = ModelSpec.parse("scripted:tokens=1")
    # So short that a test can wait for it, and longer than a busy machine is late.
    models = Models(spec, spec, replace(settings, idle_seconds=1.0, thinking_seconds=1.0))
    yield models
    await models.aclose()


async def _retry_after_seconds(ask: Ask, model: str) -> int | None:
    with pytest.raises(ProviderRateLimited) as raised:
        await ask(model)
    seconds: int | None = raised.value.retry_after_seconds
    return seconds
