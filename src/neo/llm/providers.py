"""The providers: names of their models (`provider:name`), addresses, keys and limits."""

from dataclasses import dataclass, field
from enum import StrEnum

from neo.llm.errors import ModelMisnamed, ProviderNotConfigured

_OPENAI_URL = "https://api.openai.com/v1"
_ANTHROPIC_URL = "https://api.anthropic.com"
# Of servers that ask for none: then no header carries one.
NO_KEY = ""


class Tier(StrEnum):
    FAST = "FAST"
    SMART = "SMART"


class DialectName(StrEnum):
    RESPONSES = "responses"
    CHAT_COMPLETIONS = "chat_completions"
    MESSAGES = "messages"


class Provider(StrEnum):
    OPENAI = "openai"
    AZURE = "azure"
    COMPATIBLE = "compatible"
    ANTHROPIC = "anthropic"
    LOCAL = "local"
    SCRIPTED = "scripted"
    SCRIPTED_CHAT = "scripted-chat"
    SCRIPTED_ANTHROPIC = "scripted-anthropic"

    @property
    def dialect(self) -> DialectName:
        """The API through which Neo calls it."""
        # The local model's server has the Responses API too, but it refuses a transcript that contains answers.
        if self in (Provider.OPENAI, Provider.AZURE, Provider.SCRIPTED):
            return DialectName.RESPONSES
        if self in (Provider.ANTHROPIC, Provider.SCRIPTED_ANTHROPIC):
            return DialectName.MESSAGES
        return DialectName.CHAT_COMPLETIONS

    @property
    def continues(self) -> bool:
        """Whether it keeps its responses, so that a turn may send only the new message."""
        return self.dialect is DialectName.RESPONSES

    @property
    def sees_images(self) -> bool:
        """Whether its models accept images. If a single one does not, the provider refuses the call."""
        return self is not Provider.LOCAL

    @property
    def is_scripted(self) -> bool:
        return self in (Provider.SCRIPTED, Provider.SCRIPTED_CHAT, Provider.SCRIPTED_ANTHROPIC)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    provider: Provider
    name: str

    @classmethod
    def parse(cls, text: str) -> "ModelSpec":
        prefix, _, name = text.strip().partition(":")
        if prefix not in set(Provider) or not name.strip():
            known = ", ".join(Provider)
            raise ModelMisnamed(
                f"{text!r} is not a model. Write provider:name; the providers are {known}.",
                details={"fields": {"model": "is not provider:name of a known provider"}},
            )
        return cls(Provider(prefix), name.strip())

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    openai_api_key: str | None = field(default=None, repr=False)
    openai_base_url: str | None = None
    openai_region: str = "default"
    azure_endpoint: str | None = None
    azure_api_key: str | None = field(default=None, repr=False)
    azure_api_version: str | None = None
    """None for Azure's v1 API, which has no dated versions."""
    azure_region: str = "default"
    compatible_base_url: str | None = None
    compatible_api_key: str | None = field(default=None, repr=False)
    compatible_region: str = "default"
    anthropic_api_key: str | None = field(default=None, repr=False)
    anthropic_base_url: str | None = None
    anthropic_region: str = "default"
    local_model_url: str | None = None
    scripted_model_url: str | None = None
    connect_seconds: float = 5.0
    idle_seconds: float = 30.0
    """The longest silence, before the answer begins and between its deltas."""
    thinking_seconds: float = 180.0
    """The longest silence before the first text of a model that reasons; some send nothing meanwhile."""
    breaker_failures: int = 0
    """How many failures in a row stop the calls to a provider; 0: none does."""
    answer_tokens_max: int = 16_384


@dataclass(frozen=True, slots=True)
class Address:
    base_url: str
    api_key: str = field(repr=False)
    region: str
    azure_api_version: str | None = None
    """The dated version of Azure's API; None for its v1 API, and for everybody else's."""


def address(provider: Provider, settings: ProviderSettings) -> Address:
    """Where a provider is. Raises `ProviderNotConfigured`, which names the variable to set."""
    match provider:
        case Provider.OPENAI:
            key = _set(settings.openai_api_key, "NEO_OPENAI_API_KEY", provider)
            return Address(settings.openai_base_url or _OPENAI_URL, key, settings.openai_region)
        case Provider.AZURE:
            endpoint = _set(settings.azure_endpoint, "NEO_AZURE_OPENAI_ENDPOINT", provider)
            key = _set(settings.azure_api_key, "NEO_AZURE_OPENAI_API_KEY", provider)
            version = settings.azure_api_version
            return Address(_azure_url(endpoint, version), key, settings.azure_region, version)
        case Provider.COMPATIBLE:
            url = _set(settings.compatible_base_url, "NEO_COMPATIBLE_BASE_URL", provider)
            return Address(url, settings.compatible_api_key or NO_KEY, settings.compatible_region)
        case Provider.ANTHROPIC:
            key = _set(settings.anthropic_api_key, "NEO_ANTHROPIC_API_KEY", provider)
            return Address(settings.anthropic_base_url or _ANTHROPIC_URL, key, settings.anthropic_region)
        case Provider.LOCAL:
            url = _set(settings.local_model_url, "NEO_LOCAL_MODEL_URL", provider)
            return Address(f"{_root(url)}/v1", NO_KEY, "local")
        case Provider.SCRIPTED | Provider.SCRIPTED_CHAT | Provider.SCRIPTED_ANTHROPIC:
            url = _set(settings.scripted_model_url, "NEO_SCRIPTED_MODEL_URL", provider)
            path = "" if provider is Provider.SCRIPTED_ANTHROPIC else "/v1"
            return Address(f"{_root(url)}{path}", NO_KEY, "local")


def _set(value: str | None, variable: str, provider: Provider) -> str:
    if not value:
        raise ProviderNotConfigured(f"The model provider {provider} is not set up: {variable} is missing.")
    return value


def _root(url: str) -> str:
    return url.rstrip("/").removesuffix("/v1")


def _azure_url(endpoint: str, api_version: str | None) -> str:
    bare = endpoint.rstrip("/")
    return bare if api_version or bare.endswith("/v1") else f"{bare}/openai/v1"
