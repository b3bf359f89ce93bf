"""Models that speak OpenAI's older dialect, chat completions."""

import httpx2
from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from neo.llm.providers import Address
from neo.llm.spec import Provider

_PROFILE = OpenAIModelProfile(
    # Without it the library calls a stream that breaks off before its finish reason complete.
    openai_chat_streaming_requires_finish_reason=True,
    # The older name of the limit is the one that all compatible servers know.
    openai_chat_supports_max_completion_tokens=False,
)


def chat_model(provider: Provider, name: str, where: Address, client: httpx2.AsyncClient) -> Model:
    # Retries belong to the caller, who knows what has been shown already.
    account = AsyncOpenAI(base_url=where.base_url, api_key=where.api_key, http_client=client, max_retries=0)
    known_as = OpenAICompatibleProvider(str(provider), openai_client=account)
    return OpenAIChatModel(name, provider=known_as, profile=_PROFILE)
