"""What a turn's writer may be refused."""

from neo.errors import Failure, Kind


class Fenced(Failure):
    """The turn has ended, or another attempt has taken it over: whoever hears this must stop."""

    kind = Kind.CONFLICT
    code = "turn_fenced"
