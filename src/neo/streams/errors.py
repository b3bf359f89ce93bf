"""What goes wrong between Neo and Valkey."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from neo.errors import Failure, Kind


class StreamsUnavailable(Failure):
    kind = Kind.UNAVAILABLE
    code = "streams_unavailable"


@contextmanager
def driver_errors_mapped() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StreamsUnavailable("The event store does not answer.") from error
