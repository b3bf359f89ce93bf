"""What a turn's writer may be refused."""

from neo.errors import Edge, Failure, Kind


class Fenced(Failure):
    """An attempt found that another one has a newer claim of its turn, and stopped."""

    kind = Kind.CONFLICT
    code = "turn_fenced"
    remedy = ""
    edges = (Edge.LOG,)
