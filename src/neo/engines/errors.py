"""Why an engine was not started."""

from neo.errors import Failure, Kind


class DataFolderInUse(Failure):
    kind = Kind.CONFLICT
    code = "data_folder_in_use"


class DataFolderUnfit(Failure):
    kind = Kind.CONFLICT
    code = "data_folder_unfit"


class OtherPostgresMajor(Failure):
    kind = Kind.CONFLICT
    code = "other_postgres_major"


class PortTaken(Failure):
    kind = Kind.CONFLICT
    code = "port_taken"


class EngineNotInstalled(Failure):
    kind = Kind.UNAVAILABLE
    code = "engine_not_installed"


class EngineDidNotStart(Failure):
    kind = Kind.UNAVAILABLE
    code = "engine_did_not_start"


class ConfigurationMissing(Failure):
    kind = Kind.INVALID
    code = "configuration_missing"
