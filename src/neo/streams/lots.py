"""Commands of many callers, sent in one exchange."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import TimeoutError as NoConnection

from neo.kit import Batcher
from neo.streams.exchange import Exchange, Word

# Each command is a fraction of a millisecond for Valkey, which nobody else is to wait long for.
COMMANDS_MAX = 128


def in_lots(exchange: Exchange) -> Batcher[Sequence[Word], Any]:
    """What is called while a lot is on its way goes with the next one, for a fifth of what it costs alone. One command
    may fail without the others.
    """
    return Batcher(exchange, most=COMMANDS_MAX, name="valkey-lot", silence=(TimeoutError, NoConnection))
