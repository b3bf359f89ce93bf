"""How long a model may be silent."""

from dataclasses import dataclass

from neo.llm.providers import ProviderSettings


@dataclass(frozen=True, slots=True)
class Patience:
    settings: ProviderSettings
    thinks: bool

    def seconds(self, *, has_text: bool) -> float:
        """From one sign of life to the next: longer before its first word, when it thinks."""
        is_thinking = self.thinks and not has_text
        return self.settings.thinking_seconds if is_thinking else self.settings.idle_seconds
