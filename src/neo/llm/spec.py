"""Names of models: `provider:name`."""

from dataclasses import dataclass
from enum import StrEnum

from neo.llm.errors import ModelMisnamed


class Tier(StrEnum):
    FAST = "FAST"
    SMART = "SMART"


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
    def speaks_responses(self) -> bool:
        """Whether Neo calls it through OpenAI's Responses API."""
        # The local model's server has this API too, but it refuses a transcript that contains answers.
        return self in (Provider.OPENAI, Provider.AZURE, Provider.SCRIPTED)

    @property
    def continues(self) -> bool:
        """Whether it keeps its responses, so that a turn may send only the new message."""
        return self.speaks_responses

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
