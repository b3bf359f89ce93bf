import os
import sys
from typing import Annotated

import typer


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on (NEO_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (NEO_PORT).")] = None,
    *,
    with_worker: Annotated[
        bool, typer.Option("--with-worker", help="Run turns in this process too.")
    ] = False,
) -> None:
    """Serve the API against shared engines; start as many as wanted.

    Needs NEO_DATABASE_URL, NEO_REDIS_URL, NEO_TEMPORAL_ADDRESS, NEO_SECRET_KEY and a model (NEO_MODEL_FAST).
    It answers before the engines are up: `/public-api/ready` says what is still missing.
    """
    if host is not None:
        os.environ["NEO_HOST"] = host
    if port is not None:
        os.environ["NEO_PORT"] = str(port)
    from neo.api_process import serve_api  # noqa: PLC0415 - the other commands need none of its imports.

    sys.exit(serve_api(with_worker=with_worker))
