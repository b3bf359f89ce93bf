"""Reads the operator's file of models, and says everything that is wrong with it at once."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from neo.llm.errors import ModelsFileInvalid
from neo.llm.model_list.fields import KEYS, checked
from neo.llm.model_list.near import near

TABLE = "models"
FAST, SMART = "fast", "smart"
# Agents, tiers and URLs name models; a colon is what tells `provider:name` from them.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_NAME_FORM = "letters, digits, `.`, `-` and `_`, at most 64"
_SHOWN_CHARACTERS_MAX = 100


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What the file says of a model: each key is good, and nothing is fetched yet."""

    name: str
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelsFile:
    path: str
    entries: Mapping[str, FileEntry]

    @property
    def fast(self) -> str | None:
        """The model that answers at the FAST tier unless a setting names another."""
        return FAST if FAST in self.entries else None

    @property
    def smart(self) -> str | None:
        return SMART if SMART in self.entries else None

    def sentence(self, name: str, problem: str) -> str:
        return f"{self.path}: model `{name}`: {problem}"


def read_models_file(path: str) -> ModelsFile:
    """Raises `ModelsFileInvalid`."""
    tables = _tables(path, _parsed(path))
    file = ModelsFile(path, {})
    mistakes: list[str] = []
    entries: dict[str, FileEntry] = {}
    spelled: dict[str, str] = {}
    for name, table in tables.items():
        if not _NAME.fullmatch(name):
            mistakes.append(
                f"{path}: a model's name must be {_NAME_FORM}, not `{name[:_SHOWN_CHARACTERS_MAX]}`."
            )
        elif not isinstance(table, Mapping):
            mistakes.append(file.sentence(name, f"it must be a table: [{TABLE}.{name}]."))
        elif nested := _nested(table):
            mistakes.append(
                file.sentence(name, f'a name with a dot needs quotes, as in [{TABLE}."{name}.{nested}"].')
            )
        elif (other := spelled.setdefault(name.lower(), name)) != name:
            mistakes.append(file.sentence(name, f"its name differs from that of `{other}` only by case."))
        else:
            said, wrong = checked(table)
            entries[name] = FileEntry(name, said)
            mistakes += [file.sentence(name, one) for one in wrong]
    if mistakes:
        raise ModelsFileInvalid(mistakes)
    return ModelsFile(path, entries)


def _nested(table: Mapping[str, Any]) -> str | None:
    """What TOML takes for a table within the model's, because the name has a dot and no quotes."""
    tables = ((key, value) for key, value in table.items() if isinstance(value, Mapping))
    return next(
        (key[:_SHOWN_CHARACTERS_MAX] for key, value in tables if not KEYS.keys().isdisjoint(value)), None
    )


def _parsed(path: str) -> dict[str, Any]:
    try:
        # A price is counted exactly.
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        raise ModelsFileInvalid([f"{path} cannot be read: {error.strerror}."]) from error
    except UnicodeDecodeError as error:
        raise ModelsFileInvalid([f"{path} is not in UTF-8."]) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ModelsFileInvalid([f"{path} is not TOML: {error}."]) from error


def _tables(path: str, parsed: dict[str, Any]) -> Mapping[str, Any]:
    others = [key for key in parsed if key != TABLE]
    if others:
        raise ModelsFileInvalid(
            [f"{path}: `{key[:_SHOWN_CHARACTERS_MAX]}` is not a key.{near(key, [TABLE])}" for key in others]
        )
    tables = parsed.get(TABLE)
    if not isinstance(tables, Mapping) or not tables:
        raise ModelsFileInvalid([f"{path} has no model: begin one with [{TABLE}.NAME]."])
    return tables
