"""The `neo` command. Each subcommand is a module or a folder; expected refusals become one line and exit code 1."""

import sys

from neo.cage import close_to_others
from neo.cli.commands import app
from neo.errors import Failure
from neo.kit import collect_seldom, print_redacted, redacted

__all__ = ["app", "main"]


def main() -> None:
    collect_seldom()
    # Each command holds secrets, and a server does for as long as it runs.
    close_to_others()
    try:
        app()
    except Failure as failure:
        print(f"neo: {redacted(failure.message)}", file=sys.stderr)  # noqa: T201 - the terminal is this edge's envelope.
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the outermost layer; Python would print what a driver quotes.
        print_redacted(error)
        sys.exit(1)
