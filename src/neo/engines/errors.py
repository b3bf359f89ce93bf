"""Why an engine was not started."""

from neo.errors import Edge, Failure, Kind


class DataFolderInUse(Failure):
    """Another Neo runs on the folder."""

    kind = Kind.CONFLICT
    code = "data_folder_in_use"
    remedy = "Stop that one, or choose another folder with `--data`."
    edges = (Edge.COMMAND_LINE,)


class DataFolderUnfit(Failure):
    """The folder is a file, someone else's, not Neo's, a copy, or open to others."""

    kind = Kind.CONFLICT
    code = "data_folder_unfit"
    remedy = "Do what the message says, or choose another folder with `--data`."
    edges = (Edge.COMMAND_LINE,)


class OtherPostgresMajor(Failure):
    """The folder was made by another PostgreSQL major."""

    kind = Kind.CONFLICT
    code = "other_postgres_major"
    remedy = "Move it: the message says how."
    edges = (Edge.COMMAND_LINE,)


class PortTaken(Failure):
    """Something listens on the port already."""

    kind = Kind.CONFLICT
    code = "port_taken"
    remedy = "Stop that one, or choose another with `--port`."
    edges = (Edge.COMMAND_LINE,)


class EngineNotInstalled(Failure):
    """A package of `neo[local]` is missing, or PostgreSQL has no user to run as."""

    kind = Kind.UNAVAILABLE
    code = "engine_not_installed"
    remedy = "Install or set what the message names."
    edges = (Edge.COMMAND_LINE,)


class EngineDidNotStart(Failure):
    """An engine failed three times; the end of its log is shown."""

    kind = Kind.UNAVAILABLE
    code = "engine_did_not_start"
    remedy = "Mend what the log says, and start again."
    edges = (Edge.COMMAND_LINE,)


class ConfigurationMissing(Failure):
    """`NEO_DATABASE_URL` is set without `NEO_DATABASE_OWNER_URL` or `NEO_SECRET_KEY`."""

    kind = Kind.INVALID
    code = "configuration_missing"
    remedy = "Set it too."
    edges = (Edge.COMMAND_LINE,)
