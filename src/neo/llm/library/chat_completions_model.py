"""Models that are called through OpenAI's older API, chat completions."""

import httpx2
from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from neo.llm.providers import Address

_PROFILE = OpenAIModelProfile(
    # Without it the library takes a stream that breaks off before its finish reason for complete.
    openai_chat_streaming_requires_finish_reason=True,
    # All compatible servers know the older name of the limit.
    openai_chat_supports_max_completion_tokens=False,
)


def chat_completions_model(provider: str, name: str, where: Address, client: httpx2.AsyncClient) -> Model:
    # The caller retries: only the caller knows what readers have already seen.
    sdk = AsyncOpenAI(base_url=where.base_url, api_key=where.api_key, http_client=client, max_retries=0)
    known_as = OpenAICompatibleProvider(provider, openai_client=sdk)
    return OpenAIChatModel(name, provider=known_as, profile=_PROFILE)
