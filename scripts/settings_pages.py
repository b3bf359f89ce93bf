# ruff: noqa: INP001 - a script, not a package.
"""Writes `.env.example` and `docs/settings.md` from the settings themselves: `make snapshots`."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from neo.settings import Group, default_of, described, file_variable

HERE = Path(__file__).resolve().parent.parent
COLUMNS = 110

ENV_HEAD = """\
# Every setting of Neo with its default. Copy this file to `.env` and take the `# ` away from what you change:
# `make run` and `make chat` read it. `neo` itself reads the environment only, and what is set there wins.
# Made by `make snapshots`.
"""
PAGE_HEAD = """\
# Settings

Every setting is an environment variable, read once at the start. An empty variable counts as unset. A
variable that begins with `NEO_` and is not in this list ends the start with the name that was probably meant.
`neo settings` prints the same list, `neo settings --json` for scripts. `make run` and `make chat` also read a
file `.env` in the project's folder; `.env.example` is one to begin with.

A secret may stand in a file instead, which the variable with `_FILE` at its end names, as the table says: what is
in the environment of a process can be read by whoever may look at its container. A newline at the file's end does
not count, an empty file counts as unset, and both variables at once are refused. Secrets are kept out of the logs.

This page is made from the code by `make snapshots`.
"""


def env_example() -> str:
    return ENV_HEAD + "".join(
        f"\n# {'-' * 8} {group.__doc__}\n"
        + "".join(_env_entry(variable, field) for variable, field in fields)
        for group, fields in _groups()
    )


def page() -> str:
    return PAGE_HEAD + "".join(
        f"\n## {str(group.__doc__).rstrip('.')}\n\n| variable | default | meaning |\n|---|---|---|\n"
        + "".join(_row(variable, field) for variable, field in fields)
        for group, fields in _groups()
    )


def pages() -> dict[Path, str]:
    return {HERE / ".env.example": env_example(), HERE / "docs" / "settings.md": page()}


def _groups() -> Iterator[tuple[type[Group], list[tuple[str, FieldInfo]]]]:
    found: dict[type[Group], list[tuple[str, FieldInfo]]] = {}
    for group, variable, field in described():
        found.setdefault(group, []).append((variable, field))
    yield from found.items()


def _env_entry(variable: str, field: FieldInfo) -> str:
    comment = textwrap.fill(
        str(field.description), COLUMNS, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
    as_file = f"# {of_file}=\n" if (of_file := file_variable(variable, field)) else ""
    return f"\n{comment}\n# {variable}={_shown(field)}\n{as_file}"


def _row(variable: str, field: FieldInfo) -> str:
    shown = _shown(field)
    as_file = f" A secret: or in a file, `{of_file}`." if (of_file := file_variable(variable, field)) else ""
    return f"| `{variable}` | {f'`{shown}`' if shown else ''} | {field.description}{as_file} |\n"


def _shown(field: FieldInfo) -> str:
    value = default_of(field)
    return str(value).lower() if isinstance(value, bool) else str(value)


def main() -> None:
    for file, text in pages().items():
        file.write_text(text, encoding="utf-8")
        print(f"wrote {file.relative_to(HERE)}", file=sys.stderr)  # noqa: T201 - a script speaks to its terminal.


if __name__ == "__main__":
    main()
