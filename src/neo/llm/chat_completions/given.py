"""What a server gives beside an answer's calls and may demand back with them: Gemini's signature with each call,
DeepSeek's and Moonshot's thoughts, and OpenRouter's details of them, which are signed.
"""

from typing import Any

from neo.llm.reading.event import Event, short_name

OF_CALL = ("extra_content", "provider_specific_fields")
OF_MESSAGE = ("reasoning_content", "reasoning_details")
_TEXTS = ("text", "summary", "data")


class Given:
    """Of the whole message."""

    def __init__(self) -> None:
        self._thoughts: list[str] = []
        self._characters = 0
        self._details: dict[tuple[Any, Any], Event] = {}

    def add(self, said: Event) -> None:
        thought, details = said.get("reasoning_content"), said.get("reasoning_details")
        if isinstance(thought, str) and not self._comes_again(thought):
            self._thoughts.append(thought)
            self._characters += len(thought)
        for one in details if isinstance(details, list) else ():
            if isinstance(one, dict):
                self._add_detail(one)

    def told(self) -> dict[str, Any]:
        return {
            "reasoning_content": "".join(self._thoughts),
            "reasoning_details": list(self._details.values()),
        }

    def _comes_again(self, thought: str) -> bool:
        """Whether it is all that was said, once more with the whole message."""
        return len(thought) == self._characters and thought == "".join(self._thoughts)

    def _add_detail(self, detail: Event) -> None:
        """The pieces of one detail have its index and its type."""
        key = (str(detail.get("index")), short_name(detail.get("type")))
        before = self._details.get(key)
        if before is None:
            self._details[key] = dict(detail)
            return
        for name, value in detail.items():
            is_more = name in _TEXTS and isinstance(value, str) and isinstance(before.get(name), str)
            if value is not None:
                before[name] = before[name] + value if is_more else value


def of_call(entry: Event) -> dict[str, Any]:
    return {name: entry[name] for name in OF_CALL if isinstance(entry.get(name), dict)}
