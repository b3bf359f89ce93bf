"""What an answer cost, however often it is told."""

from typing import Any

from neo.llm.sanitize import count
from neo.llm.transport.event import object_in


class Usage:
    """Some servers send the running sum with each chunk, and some repeat the last one, so the largest counts."""

    def __init__(self) -> None:
        self.input_tokens = 0
        self.output_tokens = 0
        self.cached_tokens = 0

    def add(self, usage: object) -> None:
        if not isinstance(usage, dict):
            return
        self.input_tokens = max(self.input_tokens, _largest(usage, "prompt_tokens", "input_tokens"))
        self.output_tokens = max(self.output_tokens, _largest(usage, "completion_tokens", "output_tokens"))
        details = object_in(usage, "prompt_tokens_details") or object_in(usage, "input_tokens_details")
        cached = _largest(usage, "prompt_cache_hit_tokens", "cached_tokens")
        self.cached_tokens = max(self.cached_tokens, count(details.get("cached_tokens")), cached)


def _largest(usage: dict[str, Any], *names: str) -> int:
    """The servers agree on what they count, and not on its name."""
    return max(count(usage.get(name)) for name in names)
