"""The routes by which a test directs a stage, and reads what happened on it."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from neo.engines.scripted_mcp.script import Script, UnknownScriptError
from neo.engines.scripted_mcp.stage import Stage, Stages

WAIT_SECONDS = 10.0
NO_CONTENT, BAD_REQUEST, NOT_FOUND = 204, 400, 404

Action = Callable[[Stage, Request], Awaitable[Response]]


def control_routes(stages: Stages) -> list[Route]:
    def route(path: str, method: str, action: Action) -> list[Route]:
        async def answer(request: Request) -> Response:
            try:
                return await action(stages.named(request.path_params.get("stage", "")), request)
            except (UnknownScriptError, orjson.JSONDecodeError, TypeError, ValueError) as error:
                return _json({"error": str(error)}, BAD_REQUEST)

        return [
            Route(f"{place}/control{path}", answer, methods=[method]) for place in ("", "/stages/{stage}")
        ]

    return [
        *route("", "GET", _show),
        *route("", "PATCH", _change),
        *route("", "DELETE", _reset),
        *route("/calls", "GET", _calls),
        *route("/effects", "GET", _effects),
        *route("/tools/{name}", "PUT", _put_tool),
        *route("/tools/{name}", "DELETE", _delete_tool),
        *route("/expire", "POST", _expire),
    ]


async def _show(stage: Stage, _: Request) -> Response:
    return _json(stage.shown())


async def _change(stage: Stage, request: Request) -> Response:
    stage.set_script(Script.parse(orjson.loads(await request.body()), stage.script))
    return _json(stage.shown())


async def _reset(stage: Stage, _: Request) -> Response:
    stage.reset()
    return Response(status_code=NO_CONTENT)


async def _calls(stage: Stage, request: Request) -> Response:
    """All calls; with `?at_least=N` once so many were received, or after some seconds."""
    await stage.wait_for_calls(int(request.query_params.get("at_least", "0")), WAIT_SECONDS)
    return _json({"calls": list(stage.shown_calls(effects_only=False))})


async def _effects(stage: Stage, _: Request) -> Response:
    return _json({"effects": list(stage.shown_calls(effects_only=True))})


async def _put_tool(stage: Stage, request: Request) -> Response:
    """Change a tool's fields, or add a tool that reads."""
    name, given = request.path_params["name"], orjson.loads(await request.body())
    if not isinstance(given, dict):
        raise UnknownScriptError("A tool is an object.")
    new = {"name": name, "description": "", "inputSchema": {"type": "object"}}
    stage.tools[name] = {**stage.tools.get(name, new), **given, "name": name}
    return _json(stage.tools[name])


async def _delete_tool(stage: Stage, request: Request) -> Response:
    found = stage.tools.pop(request.path_params["name"], None)
    return Response(status_code=NO_CONTENT if found else NOT_FOUND)


async def _expire(stage: Stage, _: Request) -> Response:
    stage.tokens.clear()
    return Response(status_code=NO_CONTENT)


def _json(data: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(data), status, media_type="application/json")
