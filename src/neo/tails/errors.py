"""What a tail may be refused."""

from neo.errors import Failure, Kind


class TooManyTails(Failure):
    """The tenant, or the session token, has its most tails open."""

    kind = Kind.RATE_LIMITED
    code = "too_many_tails"
    remedy = "Close one."
