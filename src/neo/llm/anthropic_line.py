"""Models that speak Anthropic's dialect."""

import httpx2
from anthropic import AsyncAnthropic
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from neo.llm.providers import Address


def anthropic_model(name: str, where: Address, client: httpx2.AsyncClient) -> Model:
    # Retries belong to the caller, who knows what has been shown already.
    account = AsyncAnthropic(
        base_url=where.base_url, api_key=where.api_key, http_client=client, max_retries=0
    )
    return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=account))
