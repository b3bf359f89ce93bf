import sys

import typer


def openapi() -> None:
    """Print the API's OpenAPI document, as served at /public-api/openapi.json."""
    import orjson  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    from neo.openapi_document import document  # noqa: PLC0415

    sys.stdout.buffer.write(orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    typer.echo()
