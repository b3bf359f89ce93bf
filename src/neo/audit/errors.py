"""Why the operator's work on the audit log is refused."""

from neo.errors import Edge, Failure, Kind


class AuditChainBroken(Failure):
    """An entry of the tenant's audit log was changed or is missing."""

    kind = Kind.CONFLICT
    code = "audit_chain_broken"
    remedy = "Run `neo doctor`, and look into who has the rights of the database's owner."
    edges = (Edge.COMMAND_LINE,)
