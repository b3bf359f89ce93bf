"""How many tokens each model accepts and writes."""

from dataclasses import dataclass

from neo.llm.spec import ModelSpec, Provider

# The embedded model's server is started with this window.
LOCAL_CONTEXT_TOKENS = 8_192
# The embedded model rambles; a short answer leaves its small window to the conversation.
_LOCAL_ANSWER_TOKENS = 1_024
# Its vocabulary is small and English: other scripts cost up to 1.5 times the estimate.
_LOCAL_PROMPT_SHARE = 0.65
# Every current model has at least this window.
_DEFAULT_CONTEXT_TOKENS = 128_000
# The rest of a small model's window is for the prompt.
_ANSWER_SHARE_MAX = 0.5

# Window and longest answer by the prefix of a model's name; the longest prefix wins.
_FAMILIES: dict[str, tuple[int, int | None]] = {
    "gpt-5": (272_000, None),
    "gpt-4.1": (1_000_000, None),
    "gpt-4o": (128_000, 16_384),
    "gpt-4-turbo": (128_000, 4_096),
    "gpt-4": (8_192, 4_096),
    "gpt-3.5-turbo": (16_385, 4_096),
    "o1": (200_000, None),
    "o3": (200_000, None),
    "o4": (200_000, None),
    "claude-": (200_000, None),
    "claude-3-5-": (200_000, 8_192),
    "claude-3-haiku": (200_000, 4_096),
    "claude-3-opus": (200_000, 4_096),
}


@dataclass(frozen=True, slots=True)
class Budget:
    prompt_tokens_max: int
    answer_tokens_max: int


def budget(spec: ModelSpec, *, answer_tokens_max: int) -> Budget:
    context_tokens, family_answer_tokens = _window(spec)
    answer_tokens = min(
        answer_tokens_max, family_answer_tokens or answer_tokens_max, int(context_tokens * _ANSWER_SHARE_MAX)
    )
    scripted = _scripted_tokens(spec)
    prompt_tokens = context_tokens - answer_tokens if scripted is None else scripted
    if spec.provider is Provider.LOCAL:
        prompt_tokens = int(prompt_tokens * _LOCAL_PROMPT_SHARE)
    return Budget(prompt_tokens, answer_tokens)


def _window(spec: ModelSpec) -> tuple[int, int | None]:
    if spec.provider is Provider.LOCAL:
        return LOCAL_CONTEXT_TOKENS, _LOCAL_ANSWER_TOKENS
    # Gateways write the vendor before the name: `openai/gpt-4o`.
    name = spec.name.rpartition("/")[2].lower()
    families = [family for family in _FAMILIES if name.startswith(family)]
    return _FAMILIES[max(families, key=len)] if families else (_DEFAULT_CONTEXT_TOKENS, None)


def _scripted_tokens(spec: ModelSpec) -> int | None:
    if not spec.provider.is_scripted:
        return None
    values = [part.strip().removeprefix("budget=") for part in spec.name.split(",") if "budget=" in part]
    return int(values[0]) if values and values[0].isdecimal() else None
