"""Calls of OpenAI's Responses API: what is sent, what is made of any answer, and when it is over."""

import time
from contextlib import aclosing

import orjson
import pytest

from llm.asking import Received, joined
from llm.raw_provider import HEAD, completed, event, raw_provider, refusal_head, said
from neo.errors import Failure
from neo.llm import (
    ContentFiltered,
    Image,
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
    Said,
    TextDelta,
    Tier,
)
from support.images import image

HELLO = Prompt("Be kind.", (), "hello")


async def received(
    settings: ProviderSettings,
    *,
    model: str = "openai:gpt-4o",
    prompt: Prompt = HELLO,
    effort: str | None = None,
    previous_response_id: str | None = None,
    times: int = 1,
) -> Received:
    """The last of so many answers of the provider that the settings lead to."""
    models = Models(ModelSpec.parse(model), ModelSpec.parse(model), settings)
    try:
        for _ in range(times):
            received = Received()
            chosen = models.choose(Tier.FAST, model, effort)
            deltas = models.answer(chosen, prompt, previous_response_id=previous_response_id)
            async with aclosing(deltas):
                async for delta in deltas:
                    received.deltas.append(delta)
        return received
    finally:
        await models.aclose()


def openai_at(url: str, *, idle_seconds: float = 5) -> ProviderSettings:
    return ProviderSettings(
        openai_api_key="key", openai_base_url=f"{url}/v1", idle_seconds=idle_seconds, thinking_seconds=5
    )


async def failure_of(head: bytes, *writes: bytes, previous_response_id: str | None = None) -> Failure:
    async with raw_provider(*writes, head=head, ends=bool(writes)) as provider:
        with pytest.raises(Failure) as raised:
            await received(openai_at(provider.url), previous_response_id=previous_response_id)
    return raised.value


async def test_a_call_says_what_is_wanted_and_nothing_else() -> None:
    prompt = Prompt("Be kind.", (Said("user", "one"), Said("assistant", ""), Said("assistant", "1")), "two")

    async with raw_provider(completed()) as provider:
        await received(openai_at(provider.url), prompt=prompt)

    assert provider.heads[0].startswith("POST /v1/responses HTTP/1.1\r\n")
    assert "authorization: bearer key\r\n" in provider.heads[0].lower()
    assert provider.asked == {
        "model": "gpt-4o",
        "stream": True,
        "input": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "two"},
        ],
        "instructions": "Be kind.",
        "max_output_tokens": 16384,
        "store": True,
    }


async def test_a_call_that_continues_sends_the_new_message_only() -> None:
    prompt = Prompt("", (Said("user", "not sent"),), "two")

    async with raw_provider(completed()) as provider:
        await received(openai_at(provider.url), prompt=prompt, previous_response_id="resp_0")

    assert provider.asked["previous_response_id"] == "resp_0"
    assert provider.asked["input"] == [{"role": "user", "content": "two"}]
    assert "instructions" not in provider.asked


async def test_images_are_sent_behind_what_is_said_of_them() -> None:
    shown = Image("image/png", image(), alt="A cat")

    async with raw_provider(completed()) as provider:
        await received(openai_at(provider.url), prompt=Prompt("", (), "", (shown,)))

    [caption, picture] = provider.asked["input"][0]["content"]
    assert caption["type"] == "input_text"
    assert "A cat" in caption["text"]
    assert picture["type"] == "input_image"
    assert picture["detail"] == "auto"
    assert picture["image_url"].startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize(
    ("api_version", "endpoint", "path", "key"),
    [
        (None, "", "/openai/v1/responses", "authorization: Bearer azkey"),
        (None, "/openai/v1/", "/openai/v1/responses", "authorization: Bearer azkey"),
        ("2025-04-01-preview", "/", "/openai/responses?api-version=2025-04-01-preview", "api-key: azkey"),
    ],
)
async def test_azure_is_called_in_both_of_its_forms(
    api_version: str | None, endpoint: str, path: str, key: str
) -> None:
    async with raw_provider(completed()) as provider:
        settings = ProviderSettings(
            azure_endpoint=f"{provider.url}{endpoint}", azure_api_key="azkey", azure_api_version=api_version
        )
        await received(settings, model="azure:my-deployment")

    assert provider.heads[0].startswith(f"POST {path} HTTP/1.1\r\n")
    assert f"\r\n{key.lower()}\r\n" in provider.heads[0].lower()
    assert provider.asked["model"] == "my-deployment"


async def test_an_answer_is_the_same_however_it_is_cut() -> None:
    body = b"".join(
        [
            event("response.created", response={"id": "resp_1"}),
            said("Grüße 🌍 "),
            b": ping\r\r",
            said("\u2028b"),
        ]
    )
    body += completed().replace(b"\n", b"\r\n") + b"data: [DONE]\n\n"

    async with raw_provider(body) as whole, raw_provider(*(bytes([byte]) for byte in body)) as cut:
        in_one, in_bytes = await received(openai_at(whole.url)), await received(openai_at(cut.url))

    assert joined(in_one.deltas) == joined(in_bytes.deltas)
    assert in_one.text == "Grüße 🌍 \u2028b"
    assert in_one.completed.response_id == "resp_1"


async def test_the_next_call_takes_the_same_connection() -> None:
    async with raw_provider(said("a"), completed(), b"data: [DONE]\n\n", pause_seconds=0.01) as provider:
        await received(openai_at(provider.url), times=3)

    assert len(provider.bodies) == 3
    assert provider.connections == 1


async def test_the_end_is_told_although_the_body_goes_on() -> None:
    started_at = time.monotonic()

    async with raw_provider(said("a"), completed(), *[b": ping\n\n"] * 600, pause_seconds=0.05) as provider:
        told = await received(openai_at(provider.url))

    assert told.text == "a"
    assert time.monotonic() - started_at < 15


@pytest.mark.parametrize(
    "ping", [b": ping\n\n", event("keepalive"), event("response.in_progress", response={})]
)
async def test_a_provider_that_only_pings_is_silent(ping: bytes) -> None:
    async with raw_provider(said("a"), *[ping] * 100, completed(), pause_seconds=0.05) as provider:
        with pytest.raises(ProviderTimeout):
            await received(openai_at(provider.url, idle_seconds=0.4))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: {\n\n", ProviderIncomplete),
        (b"data: \xff\n\n", ProviderIncomplete),
        (b'{"id": "resp_1", "status": "completed"}', ProviderIncomplete),
        (b"<html>Sign in</html>", ProviderIncomplete),
        (b"data: [DONE]\n\n", ProviderIncomplete),
        (event("error", code=None, message="odd"), ProviderIncomplete),
        (event("error", error={"code": "rate_limit_exceeded"}), ProviderRateLimited),
        (event("error", error="a text"), ProviderIncomplete),
        (event("error", code="too_many_requests"), ProviderRateLimited),
        (event("error", code="429"), ProviderRateLimited),
        (event("error", code=529), ProviderRateLimited),
        (event("error", code="server_is_overloaded"), ProviderUnavailable),
        (event("error", code="503"), ProviderUnavailable),
        (event("error", code="insufficient_quota"), ProviderMisconfigured),
        (event("error", code="invalid_prompt"), ContentFiltered),
        (event("error", message="This model's Maximum context length is 8192."), PromptTooLong),
        (event("response.failed", response={"error": {"code": "rate_limit_exceeded"}}), ProviderRateLimited),
        (event("response.failed", response={"error": {"type": "too_many_requests"}}), ProviderRateLimited),
        (event("response.failed", response={"error": {"code": "server_error"}}), ProviderIncomplete),
        (event("response.failed", response={"error": {"code": "server_is_overloaded"}}), ProviderUnavailable),
        (event("response.failed", response={"error": {"code": "image_parse_error"}}), ProviderRejected),
        (event("response.failed", response={"error": {"code": "unheard_of"}}), ProviderIncomplete),
        (event("response.failed", response={"error": None}), ProviderIncomplete),
    ],
)
async def test_what_a_stream_may_have_instead_of_an_answer(body: bytes, expected: type[Failure]) -> None:
    assert type(await failure_of(HEAD, said("a"), body)) is expected


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"code": "content_filter", "innererror": {}}, ContentFiltered),
        (400, {"message": "Please reduce the length of the messages."}, PromptTooLong),
        (400, {"param": "input"}, ProviderRejected),
        (400, "a text", ProviderRejected),
        (400, ["odd"], ProviderRejected),
        (307, {}, ProviderIncomplete),
        (429, {"type": "insufficient_quota"}, ProviderMisconfigured),
        (429, {"code": "engine_overloaded"}, ProviderRateLimited),
        (400, {"code": "model_not_found"}, ProviderMisconfigured),
        (500, {"code": "invalid_api_key"}, ProviderMisconfigured),
    ],
)
async def test_what_a_refusal_says(status: int, error: object, expected: type[Failure]) -> None:
    told = orjson.dumps({"error": error})

    assert type(await failure_of(refusal_head(status, told))) is expected


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"[1]", b"x" * 1_000_000])
async def test_a_refusal_without_a_reason_is_told_by_its_status(body: bytes) -> None:
    assert type(await failure_of(refusal_head(429, body))) is ProviderRateLimited


async def test_a_refusal_that_breaks_off_is_told_by_its_status() -> None:
    cut = b"HTTP/1.1 429 No\r\ncontent-length: 100\r\n\r\n{"

    async with raw_provider(head=cut, hangs_up=True) as provider:
        with pytest.raises(ProviderRateLimited):
            await received(openai_at(provider.url))


async def test_a_refusal_without_end_is_told_by_its_status() -> None:
    head = b"HTTP/1.1 429 No\r\ntransfer-encoding: chunked\r\n\r\n"

    async with raw_provider(*[b"x" * 10_000] * 100, head=head, pause_seconds=0.05) as provider:
        with pytest.raises(ProviderRateLimited):
            await received(openai_at(provider.url, idle_seconds=2))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("retry-after-ms: 1500", 2),
        ("retry-after-ms: x\r\nretry-after: 7", 7),
        ("retry-after: 1.5", 2),
        ("retry-after: -3", None),
        ("retry-after: nan", None),
        ("retry-after: inf", None),
        ("retry-after: soon", None),
        ("retry-after: Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("retry-after: Thu Jan  1 00:00:00 1970", 0),
    ],
)
async def test_how_long_to_wait(header: str, seconds: int | None) -> None:
    refused = await failure_of(refusal_head(429, b"{}", header))

    assert refused.retry_after_seconds == seconds


@pytest.mark.parametrize(
    "error", [{"param": "previous_response_id"}, {"code": "previous_response_not_found"}]
)
async def test_only_a_call_that_continues_can_be_forgotten(error: dict[str, str]) -> None:
    head = refusal_head(400, orjson.dumps({"error": error}))

    assert type(await failure_of(head, previous_response_id="resp_0")) is ResponseForgotten
    assert type(await failure_of(head)) is ProviderRejected


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://127.0.0.1:odd", "nowhere"])
async def test_an_address_that_is_none_is_the_operators(url: str) -> None:
    with pytest.raises(ProviderMisconfigured):
        await received(openai_at(url))


async def test_what_was_heard_before_garbage_is_told_first() -> None:
    async with raw_provider(said("a") + b"data: {\n\n") as provider:
        settings = openai_at(provider.url)
        models = Models(ModelSpec.parse("openai:m"), ModelSpec.parse("openai:m"), settings)
        deltas = models.answer(models.choose(Tier.FAST, None, None), HELLO)

        assert await anext(deltas) == TextDelta(0, "a")
        with pytest.raises(ProviderFailure):
            await anext(deltas)
    await models.aclose()
