"""Why an execution is not shown or not changed."""

from neo.errors import Failure, Kind


class ExecutionNotFound(Failure):
    """No such execution in your tenant, or it is of a session that is not yours."""

    kind = Kind.NOT_FOUND
    code = "execution_not_found"
    remedy = "Check the id: a chat turn's execution has the turn's."


class ArtifactNotFound(Failure):
    """The execution has no such artifact, or not any more: artifacts are kept for 30 days."""

    kind = Kind.NOT_FOUND
    code = "artifact_not_found"
    remedy = "List the execution's artifacts."
