"""The database in SQL. `schema.sql` makes the tables of a fresh one; `db/migrations` brings an older one to them.

Functions and rights are applied whole, after either. A function stands here once, and what is in the database but not
here is dropped. Nothing is filled into these texts: what differs between databases is read with `current_setting`.
"""

import hashlib
from functools import cache
from importlib.resources import files

_HERE = files("neo.db.sql")


@cache
def schema() -> str:
    return _read("schema.sql")


@cache
def drop_functions() -> str:
    return _read("drop_functions.sql")


@cache
def functions() -> tuple[str, ...]:
    """What is applied after each change of the tables, in its order."""
    found = sorted(file.name for file in (_HERE / "functions").iterdir() if file.name.endswith(".sql"))
    return (drop_functions(), *(_read(f"functions/{name}") for name in found), _read("rights.sql"))


@cache
def functions_digest() -> str:
    """Tells these functions and rights from those of another version."""
    return hashlib.sha256("\n".join(functions()).encode()).hexdigest()


@cache
def stamp() -> str:
    return _read("stamp.sql")


def _read(name: str) -> str:
    return (_HERE / name).read_text()
