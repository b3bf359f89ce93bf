"""What goes wrong between Neo and Valkey."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from neo.errors import Edge, Failure, Kind

# A store that cannot write now; any other refusal of a command is for the caller to handle. The driver has classes
# for some of Valkey's words, and takes those words off the message.
CANNOT_WRITE = (OutOfMemoryError, ReadOnlyError, MasterDownError, ClusterDownError)
CANNOT_WRITE_WORDS = ("OOM", "MISCONF", "READONLY", "LOADING", "BUSY", "NOREPLICAS")


class StreamsUnavailable(Failure):
    """Valkey does not answer or takes no writes: turns go on, tails are served from PostgreSQL."""

    kind = Kind.UNAVAILABLE
    code = "streams_unavailable"
    remedy = ""
    edges = (Edge.LOG,)


class CommandRefused(Exception):
    """Valkey answered, and the answer is no."""


@contextmanager
def driver_errors_mapped() -> Iterator[None]:
    try:
        yield
    except ResponseError as error:
        if isinstance(error, CANNOT_WRITE) or str(error).startswith(CANNOT_WRITE_WORDS):
            raise StreamsUnavailable("The event store does not take writes.") from error
        raise CommandRefused(str(error)) from error
    except (RedisError, OSError, TimeoutError) as error:
        raise StreamsUnavailable("The event store does not answer.") from error
