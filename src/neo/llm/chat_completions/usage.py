"""What an answer cost, however often it is told."""

from typing import Any

from neo.llm.reading.event import count, object_in


class Usage:
    """Some servers send the running sum with each chunk, and some repeat the last one, so the largest counts."""

    def __init__(self) -> None:
        self._newest: dict[str, Any] = {}
        self._input = self._output = self._cached = 0

    def add(self, usage: object) -> None:
        if not isinstance(usage, dict):
            return
        # Counting takes longer than the reading of a chunk, so a sum that a larger one follows is not counted.
        if self._newest and not _goes_on(self._newest, usage):
            self._count()
        self._newest = usage

    def __bool__(self) -> bool:
        return bool(self._newest)

    def counted(self) -> tuple[int, int, int]:
        """The tokens of the input, of the output, and those of the input that the provider had kept."""
        self._count()
        return self._input, self._output, self._cached

    def _count(self) -> None:
        usage = self._newest
        read = _largest(usage, "prompt_tokens", "input_tokens")
        self._input = max(self._input, read)
        said = _largest(usage, "completion_tokens", "output_tokens")
        # Gemini and xAI count what was thought in the sum of both only.
        together = count(usage.get("total_tokens")) if read else 0
        self._output = max(self._output, said, together - read)
        details = object_in(usage, "prompt_tokens_details") or object_in(usage, "input_tokens_details")
        cached = _largest(usage, "prompt_cache_hit_tokens", "cached_tokens")
        self._cached = max(self._cached, count(details.get("cached_tokens")), cached)


def _goes_on(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the later sum is the earlier one with more of the answer."""
    output, more_output = before.get("completion_tokens"), after.get("completion_tokens")
    if not isinstance(output, int) or not isinstance(more_output, int) or output > more_output:
        return False
    return before.keys() == after.keys() and before.get("prompt_tokens") == after.get("prompt_tokens")


def _largest(usage: dict[str, Any], *names: str) -> int:
    """The servers agree on what they count, and not on its name."""
    return max(count(usage.get(name)) for name in names)
