"""Decides which engines to run: those that the environment gives no address for."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from neo.engines.addresses import Addresses
from neo.engines.errors import ConfigurationMissing
from neo.engines.local_model import MODEL
from neo.engines.stack import Engine

if TYPE_CHECKING:
    from neo.llm import ModelsFile

LOCAL_CHOICE = f"local:{MODEL}"
# The scripted model speaks several providers' APIs; the prefix of each begins like this.
SCRIPTED = "scripted"
MODEL_VARIABLES = ("NEO_MODEL_FAST", "NEO_MODEL_SMART")
EGRESS_VARIABLE = "NEO_EGRESS_PRIVATE"
# Each address and the environment variable that carries it, to us and from us to the server.
VARIABLES = {
    "database_url": "NEO_DATABASE_URL",
    "database_owner_url": "NEO_DATABASE_OWNER_URL",
    "redis_url": "NEO_REDIS_URL",
    "temporal_address": "NEO_TEMPORAL_ADDRESS",
    "local_model_url": "NEO_LOCAL_MODEL_URL",
    "scripted_model_url": "NEO_SCRIPTED_MODEL_URL",
}


def choose_engines(environment: Mapping[str, str], *, has_scripted_mcp: bool = False) -> frozenset[Engine]:
    """The engines to run; refuses a database that is only half configured."""
    wanted: set[Engine] = {"scripted-mcp"} if has_scripted_mcp else set()
    if not environment.get("NEO_DATABASE_URL"):
        wanted.add("postgres")
    else:
        _refuse_half_a_database(environment)
    if not environment.get("NEO_REDIS_URL"):
        wanted.add("valkey")
    if not environment.get("NEO_TEMPORAL_ADDRESS"):
        wanted.add("temporal")
    return frozenset(wanted | _choose_model(environment))


def server_environment(
    environment: Mapping[str, str],
    addresses: Addresses,
    secret_key: str,
    engines: Collection[Engine],
) -> dict[str, str]:
    """The server's environment: addresses but for the owner's, the secret key, a model, what agents may reach here."""
    found = {variable: value for name, variable in VARIABLES.items() if (value := getattr(addresses, name))}
    models = (
        dict.fromkeys(MODEL_VARIABLES, LOCAL_CHOICE)
        if "model" in engines and _has_no_model(environment)
        else {}
    )
    listed = [environment.get(EGRESS_VARIABLE, ""), urlsplit(addresses.scripted_mcp_url).netloc]
    reached = {EGRESS_VARIABLE: ",".join(filter(None, listed))} if any(listed) else {}
    served = {**environment, **found, **models, **reached, "NEO_SECRET_KEY": secret_key}
    # Migrations and the operator's commands need the owner; who takes over a server must not be it.
    served.pop(VARIABLES["database_owner_url"], None)
    return served


def with_blob_folder(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Store attachments in this folder unless `NEO_BLOB_URL` names a store."""
    return {**environment, "NEO_BLOB_URL": environment.get("NEO_BLOB_URL") or folder.resolve().as_uri()}


def with_given(addresses: Addresses, environment: Mapping[str, str]) -> Addresses:
    """The addresses of the engines that run here, and those that the environment gives for the others."""
    given = {name: environment.get(variable, "") for name, variable in VARIABLES.items()}
    return replace(
        addresses,
        database_url=addresses.database_url or given["database_url"],
        database_owner_url=addresses.database_owner_url or given["database_owner_url"],
        redis_url=addresses.redis_url or given["redis_url"],
        temporal_address=addresses.temporal_address or given["temporal_address"],
        local_model_url=addresses.local_model_url or given["local_model_url"],
        scripted_model_url=addresses.scripted_model_url or given["scripted_model_url"],
    )


def _choose_model(environment: Mapping[str, str]) -> set[Engine]:
    file = models_file(environment)
    entries = file.entries.values() if file else ()
    named = [environment.get(variable, "") for variable in MODEL_VARIABLES]
    named += [f"{entry.said.get('provider')}:" for entry in entries]
    wanted: set[Engine] = set()
    asks_local = _has_no_model(environment) or any(name.startswith("local:") for name in named)
    if asks_local and not environment.get("NEO_LOCAL_MODEL_URL"):
        wanted.add("model")
    asks_scripted = any(name.startswith(SCRIPTED) and ":" in name for name in named)
    if asks_scripted and not environment.get("NEO_SCRIPTED_MODEL_URL"):
        wanted.add("scripted")
    return wanted


def _has_no_model(environment: Mapping[str, str]) -> bool:
    if any(environment.get(variable) for variable in MODEL_VARIABLES):
        return False
    file = models_file(environment)
    return file is None or not (file.fast or file.smart)


def models_file(environment: Mapping[str, str]) -> "ModelsFile | None":
    path = environment.get("NEO_MODELS_FILE")
    if not path:
        return None
    # Its imports take a quarter of a second, which a start without a file does without.
    from neo.llm import read_models_file  # noqa: PLC0415

    return read_models_file(path)


def _refuse_half_a_database(environment: Mapping[str, str]) -> None:
    reasons = {
        "NEO_DATABASE_OWNER_URL": "migrations run as the database's owner, not as the application's role",
        "NEO_SECRET_KEY": "keys and signatures must outlive this machine's data folder",
    }
    for variable, reason in reasons.items():
        if not environment.get(variable):
            raise ConfigurationMissing(f"NEO_DATABASE_URL is set, so set {variable} too: {reason}.")
