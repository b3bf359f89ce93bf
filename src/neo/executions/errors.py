"""Why an execution is not shown or not changed."""

from neo.errors import Failure, Kind


class ExecutionNotFound(Failure):
    """No such execution in your tenant, or it is of a session that is not yours."""

    kind = Kind.NOT_FOUND
    code = "execution_not_found"
    remedy = "Check the id: a chat turn's execution has the turn's."


class CallNotFound(Failure):
    """The execution has no such call."""

    kind = Kind.NOT_FOUND
    code = "call_not_found"
    remedy = "Take the id from the execution's steps."


class ArtifactNotFound(Failure):
    """The execution has no such artifact, or not any more: artifacts are kept for 30 days."""

    kind = Kind.NOT_FOUND
    code = "artifact_not_found"
    remedy = "List the execution's artifacts."


class ExecutionFilterInvalid(Failure):
    """A filter of the list of executions or steps has a value that there is not."""

    kind = Kind.MALFORMED
    code = "execution_filter_invalid"
    remedy = "Use one of those that the message names."


class ExecutionAlreadyFinished(Failure):
    """The execution has ended: there is nothing to cancel."""

    kind = Kind.CONFLICT
    code = "execution_already_finished"
    remedy = "Read how it ended."


class CallNotUnknown(Failure):
    """Only of a call that is UNKNOWN somebody has to say what became of it."""

    kind = Kind.CONFLICT
    code = "call_not_unknown"
    remedy = "Read the call: its outcome is known, or still to come."


class CallAlreadyResolved(Failure):
    """Somebody has said before what became of the call: `details` has who, when and what."""

    kind = Kind.CONFLICT
    code = "call_already_resolved"
    remedy = "Go by what was said first."


class InvalidForConversational(Failure):
    """A CONVERSATIONAL agent runs when somebody talks to it."""

    kind = Kind.MALFORMED
    code = "invalid_for_conversational"
    remedy = "Open a chat session with it, and post a message."
