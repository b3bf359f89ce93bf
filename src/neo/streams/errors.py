"""What goes wrong between Neo and Valkey."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError, ResponseError

from neo.errors import Failure, Kind

# Valkey's own words for a store that cannot write now; any other refusal of a command is the caller's affair.
CANNOT_WRITE = ("OOM", "MISCONF", "READONLY", "LOADING", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS")


class StreamsUnavailable(Failure):
    kind = Kind.UNAVAILABLE
    code = "streams_unavailable"


class CommandRefused(Exception):
    """Valkey answered, and the answer is no."""


@contextmanager
def driver_errors_mapped() -> Iterator[None]:
    try:
        yield
    except ResponseError as error:
        if str(error).startswith(CANNOT_WRITE):
            raise StreamsUnavailable("The event store does not take writes.") from error
        raise CommandRefused(str(error)) from error
    except (RedisError, OSError, TimeoutError) as error:
        raise StreamsUnavailable("The event store does not answer.") from error
