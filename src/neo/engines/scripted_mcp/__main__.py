"""`python -m neo.engines.scripted_mcp --port P`, as `neo serve` starts it."""

import argparse

from neo.engines.scripted_mcp.script import PROTOCOLS, STATELESS, Script
from neo.engines.scripted_mcp.serving import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripted-mcp", description="An MCP server that plays a script.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--protocol", choices=PROTOCOLS, default=STATELESS)
    options = parser.parse_args()
    serve(options.port, Script(protocol=options.protocol))


if __name__ == "__main__":
    main()
