"""How many tokens a message has cost so far."""

from neo.llm.reading.event import Event, count

_CACHED = "cache_read_input_tokens"
# The API counts what it reads from its cache, or writes to it, apart from other input.
_INPUT = ("input_tokens", _CACHED, "cache_creation_input_tokens")
_OUTPUT = "output_tokens"


class Usage:
    """Each report has totals, and replaces those before. A report that says 0 knows nothing: totals do not shrink."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def note(self, usage: Event) -> None:
        for name in (*_INPUT, _OUTPUT):
            if number := count(usage.get(name)):
                self._counts[name] = number

    @property
    def input_tokens(self) -> int:
        return count(sum(self._counts.get(name, 0) for name in _INPUT))

    @property
    def cached_tokens(self) -> int:
        return self._counts.get(_CACHED, 0)

    @property
    def output_tokens(self) -> int:
        return self._counts.get(_OUTPUT, 0)
