"""One answer from the real small model, over its real server."""

from collections.abc import Iterator

import pytest

from llm.asking import Ask, model_server
from neo.llm import Models, ModelSpec, Prompt, ProviderSettings, Said


@pytest.fixture(scope="module")
def local_model_url() -> Iterator[str]:
    with model_server("neo.engines.local_model") as url:
        yield url


async def test_the_small_model_answers_in_a_stream(ask: Ask, local_model_url: str) -> None:
    spec = ModelSpec.parse("local:smollm2-135m-instruct")
    settings = ProviderSettings(local_model_url=local_model_url, answer_tokens_max=24)
    models = Models(spec, spec, settings)
    transcript = (Said("user", "Hi, I am Ada."), Said("assistant", "Hello Ada!"))

    received = await ask(
        str(spec), Prompt("Answer in one short sentence.", transcript, "Say hello."), through=models
    )

    assert received.text.strip()
    assert len(received.deltas) > 2
    assert received.completed.finish_reason in ("stop", "length")
    assert received.completed.input_tokens > 10
    assert 0 < received.completed.output_tokens <= 24
    await models.aclose()
