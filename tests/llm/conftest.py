"""A scripted model server in a process of its own, and models that talk to it over real HTTP."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import httpx2
import pytest

from llm.asking import Ask, Calls, Received, model_server
from neo.llm import Models, ModelSpec, Prompt, ProviderSettings, Tier


@pytest.fixture(scope="session")
def scripted_url() -> Iterator[str]:
    with model_server("neo.engines.scripted_model") as url:
        yield url


@pytest.fixture(scope="session")
def settings(scripted_url: str) -> ProviderSettings:
    """Every provider, at the scripted server."""
    return ProviderSettings(
        openai_api_key="key",
        openai_base_url=f"{scripted_url}/v1",
        openai_region="eu",
        azure_api_key="key",
        azure_endpoint=scripted_url,
        azure_region="swedencentral",
        compatible_base_url=f"{scripted_url}/v1",
        anthropic_api_key="key",
        anthropic_base_url=scripted_url,
        scripted_model_url=scripted_url,
        idle_seconds=5,
        thinking_seconds=5,
    )


@pytest.fixture(scope="session")
async def models(settings: ProviderSettings) -> AsyncIterator[Models]:
    spec = ModelSpec.parse("scripted:tokens=3")
    models = Models(spec, spec, settings)
    yield models
    await models.aclose()


@pytest.fixture
def ask(models: Models) -> Ask:
    """Calls a model and reads to the end; `into` keeps what was received before a failure."""

    async def ask(
        model: str,
        prompt: Prompt | None = None,
        *,
        previous_response_id: str | None = None,
        into: Received | None = None,
        through: Models | None = None,
        reasoning_effort: str | None = None,
    ) -> Received:
        received = into or Received()
        through = through or models
        chosen = through.choose(Tier.FAST, model, reasoning_effort)
        prompt = prompt or Prompt("Be kind.", (), "hello there")
        deltas = through.answer(chosen, prompt, previous_response_id=previous_response_id)
        async with aclosing(deltas):
            async for delta in deltas:
                received.deltas.append(delta)
        return received

    return ask


@pytest.fixture(scope="session")
async def control(scripted_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        base_url=f"{scripted_url}/control", trust_env=False, verify=False
    ) as client:
        yield client


@pytest.fixture
def calls(control: httpx2.AsyncClient) -> Calls:
    async def calls(model: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await control.get("/calls", params={"model": model})).json()["calls"]
        return found

    return calls
