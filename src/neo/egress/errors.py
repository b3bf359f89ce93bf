"""Why a call to the outside was not made, or was given up."""

from neo.errors import Edge, Failure, Kind


class EgressRefused(Failure):
    """Neo does not fetch this address: it is private, not https, or redirects to somewhere else."""

    kind = Kind.INVALID
    code = "egress_refused"
    remedy = (
        "Use a public https address; private ones must be listed by the operator in `NEO_EGRESS_PRIVATE`."
    )
    edges = (Edge.API, Edge.TURN)


class EgressTooLarge(Failure):
    """The answer from outside is larger than Neo reads."""

    kind = Kind.TOO_LARGE
    code = "egress_too_large"
    remedy = "Ask for less at once."
    edges = (Edge.TURN,)


class EgressTimeout(Failure):
    """The answer from outside took too long."""

    kind = Kind.UNAVAILABLE
    code = "egress_timeout"
    remedy = "Try again later."
    edges = (Edge.TURN,)


class EgressRateLimited(Failure):
    """The tenant has made too many calls to the outside in a minute."""

    kind = Kind.RATE_LIMITED
    code = "egress_rate_limited"
    remedy = "Try again after the wait that the failure names."
    edges = (Edge.TURN,)
