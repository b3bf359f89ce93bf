from neo.errors import Edge, Failure, Kind


class SecretUnreadable(Failure):
    """A stored secret cannot be opened: the value of `NEO_SECRET_KEY` that it needs is not given any more, or its row
    is not the one that was sealed.
    """

    kind = Kind.UNAVAILABLE
    code = "secret_unreadable"
    remedy = "Give the old value of `NEO_SECRET_KEY` too, after the new one (`neo doctor`), or enter the secret anew."
    edges = (Edge.COMMAND_LINE,)

    def __init__(self) -> None:
        super().__init__("A stored secret cannot be read. The operator has to look: `neo doctor` says why.")
