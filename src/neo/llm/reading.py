"""What is asked of every provider's words, whoever reads them."""

from neo.llm.errors import AnswerTooLong

# Several times the longest answer of any model: beyond it a provider has lost its way, and we our memory.
ANSWER_CHARACTERS_MAX = 1_000_000

# Ids and names are some dozens of characters; anything longer is not one.
_NAME_CHARACTERS_MAX = 500
# What PostgreSQL's integer holds.
_COUNT_MAX = 2**31 - 1


class Length:
    """How long an answer has become; refuses one that grows beyond every bound."""

    def __init__(self) -> None:
        self._characters = 0

    def add(self, *texts: str) -> None:
        self._characters += sum(map(len, texts))
        if self._characters > ANSWER_CHARACTERS_MAX:
            raise AnswerTooLong


def storable(text: str) -> str:
    """Text that every store and every wire takes: no NUL and no half of a surrogate pair."""
    text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def short_name(name: object) -> str | None:
    if isinstance(name, str) and 0 < len(name) <= _NAME_CHARACTERS_MAX:
        return storable(name)
    return None


def count(number: object) -> int:
    """How many tokens; 0 for what is no such number."""
    return int(number) if isinstance(number, int) and 0 <= number <= _COUNT_MAX else 0
