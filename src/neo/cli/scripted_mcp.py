from typing import Annotated

import typer

PORT = 8620


def scripted_mcp(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = PORT,
    protocol: Annotated[
        str, typer.Option(help="`2026-07-28` has no sessions; `2025-11-25` and older ones have.")
    ] = "2026-07-28",
) -> None:
    """Run an MCP server that plays a script: to try tools, to test, to measure. Development only, loopback only.

    Its tools: read, keyed (one effect a key), write, slow, big, raise, poison, company.

    What has happened: curl 127.0.0.1:8620/control/effects

    What goes wrong: curl -X PATCH 127.0.0.1:8620/control -d '{"fault": "hang"}'

    All tools, faults and switches: docs/scripted-mcp.md
    """
    from neo.engines.ports import LOOPBACK, refuse_taken_port  # noqa: PLC0415 - imports of seconds stay out of `--help`.
    from neo.engines.scripted_mcp.script import PROTOCOLS, Script  # noqa: PLC0415
    from neo.engines.scripted_mcp.serving import serve  # noqa: PLC0415

    if protocol not in PROTOCOLS:
        raise typer.BadParameter(f"The protocol is one of {', '.join(PROTOCOLS)}.")
    refuse_taken_port(LOOPBACK, port)
    typer.echo(f"MCP server  http://{LOOPBACK}:{port}/mcp ({protocol})")
    typer.echo(f"Effects     http://{LOOPBACK}:{port}/control/effects")
    serve(port, Script(protocol=protocol))
