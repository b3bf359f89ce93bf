"""Runs `neo serve --json` with a file server in the place of API and worker."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from neo.cli.serve.command import ServeOptions, serve_until_stopped
from neo.errors import Failure


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--answers", required=True)
    asked = parser.parse_args()
    server = ("-m", "http.server", str(asked.port), "--bind", "127.0.0.1", "--directory", asked.answers)
    options = ServeOptions(
        host="127.0.0.1",
        port=asked.port,
        data=asked.data,
        is_json=True,
        argv=(sys.executable, *server),
        environment=dict(os.environ),
    )
    try:
        asyncio.run(serve_until_stopped(options))
    except Failure as failure:
        sys.exit(f"neo: {failure.message}")


if __name__ == "__main__":
    main()
