"""What a tail may be refused."""

from neo.errors import Failure, Kind


class TooManyTails(Failure):
    """The session token, the session, the tenant or the whole process has its most tails open."""

    kind = Kind.RATE_LIMITED
    code = "too_many_tails"
    remedy = "Close one, or try again after `Retry-After`."
