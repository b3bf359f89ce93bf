"""Models that speak one of OpenAI's two dialects."""

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers import Provider as LibraryProvider
from pydantic_ai.providers.azure import AzureProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from neo.llm.providers import Address
from neo.llm.spec import Provider

# The local model's server has a Responses API too, which refuses a transcript with answers in it.
_CHAT_PROVIDERS = (Provider.COMPATIBLE, Provider.LOCAL, Provider.SCRIPTED_CHAT)

_CHAT_PROFILE = OpenAIModelProfile(
    # Without it the library calls a stream that breaks off before its finish reason complete.
    openai_chat_streaming_requires_finish_reason=True,
    # The older name of the limit is the one that all compatible servers know.
    openai_chat_supports_max_completion_tokens=False,
)


def openai_model(
    provider: Provider, name: str, where: Address, client: httpx2.AsyncClient, api_version: str | None
) -> Model:
    library_provider = _provider(provider, where, client, api_version)
    if provider in _CHAT_PROVIDERS:
        return OpenAIChatModel(name, provider=library_provider, profile=_CHAT_PROFILE)
    return OpenAIResponsesModel(name, provider=library_provider)


def _provider(
    provider: Provider, where: Address, client: httpx2.AsyncClient, api_version: str | None
) -> LibraryProvider[AsyncOpenAI]:
    # Retries belong to the caller, who knows what has been shown already: here they are always 0.
    if provider is Provider.AZURE and api_version:
        dated = AsyncAzureOpenAI(
            azure_endpoint=where.base_url,
            api_key=where.api_key,
            api_version=api_version,
            http_client=client,
            max_retries=0,
        )
        return AzureProvider(openai_client=dated)
    if provider is Provider.AZURE:
        azure = AzureProvider(azure_endpoint=where.base_url, api_key=where.api_key, http_client=client)
        azure.client.max_retries = 0
        return azure
    plain = AsyncOpenAI(base_url=where.base_url, api_key=where.api_key, http_client=client, max_retries=0)
    if provider is Provider.OPENAI:
        return OpenAIProvider(openai_client=plain)
    return OpenAICompatibleProvider(str(provider), openai_client=plain)
