"""The server's routes."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from neo.engines.scripted_mcp.control import control_routes
from neo.engines.scripted_mcp.endpoint import Endpoint
from neo.engines.scripted_mcp.script import Script
from neo.engines.scripted_mcp.stage import Stages
from neo.engines.scripted_mcp.tokens import TokenEndpoint

METHODS = ["GET", "POST", "DELETE"]


def create_app(script: Script) -> Router:
    """A server whose stages begin with this script."""
    stages = Stages(script)
    endpoint, tokens = Endpoint(stages), TokenEndpoint(stages)
    return Router(
        routes=[
            *[Route(f"{place}/mcp", endpoint, methods=METHODS) for place in ("", "/stages/{stage}")],
            *[Route(f"{place}/token", tokens, methods=["POST"]) for place in ("", "/stages/{stage}")],
            *control_routes(stages),
            Route("/health", _health),
        ]
    )


async def _health(_: Request) -> Response:
    return Response(b'{"status":"ok"}', media_type="application/json")
