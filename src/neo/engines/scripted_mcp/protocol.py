"""The messages of the protocol: what a request must look like, and what its answer is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neo.engines.scripted_mcp.script import STATELESS
from neo.engines.scripted_mcp.stage import Stage
from neo.engines.scripted_mcp.tools import Answer, ToolError, UnhandledError, use

META = "io.modelcontextprotocol/"
SERVER = {"name": "scripted-mcp", "version": "1"}
KEY_META = "neo/idempotency-key"
COMPANY = ("neo-company", "neo/company", "company")
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND = -32700, -32600, -32601
INVALID_PARAMS, INTERNAL_ERROR = -32602, -32603
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
STATUSES = {METHOD_NOT_FOUND: 404, INTERNAL_ERROR: 200}
BAD_REQUEST = 400


class RefusedError(Exception):
    """The request is answered with an error of the protocol."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message} | ({"data": data} if data is not None else {})
        self.status = STATUSES.get(code, BAD_REQUEST)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, with its HTTP headers."""

    id: Any
    method: str
    params: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def tool(self) -> str | None:
        return self.params.get("name") if self.method == "tools/call" else None

    @property
    def meta(self) -> Mapping[str, Any]:
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


def read_message(body: Any, headers: Mapping[str, str]) -> Asked:
    match body:
        case {"jsonrpc": "2.0", "method": str(method)}:
            params = body.get("params") or {}
            return Asked(body.get("id"), method, params if isinstance(params, dict) else {}, headers)
    raise RefusedError(INVALID_REQUEST, "The body is not one message.")


def check(stage: Stage, asked: Asked) -> None:
    """Judge a request as the strictest server does; the strictness differs between the two protocols."""
    if stage.script.protocol == STATELESS:
        _check_stateless(asked)
        _check_arguments_in_headers(stage, asked)
    elif asked.method == "initialize":
        return
    elif asked.headers.get("mcp-session-id") not in stage.sessions:
        # What a server that knows no sessions, or not this one, answers.
        raise RefusedError(METHOD_NOT_FOUND, "There is no such session.")


def _check_stateless(asked: Asked) -> None:
    if asked.method == "initialize":
        raise RefusedError(UNSUPPORTED_VERSION, "Unsupported protocol version", _versions(asked))
    missing = [name for name in ("protocolVersion", "clientCapabilities") if META + name not in asked.meta]
    if missing:
        raise RefusedError(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}.")
    expected = {"mcp-protocol-version": asked.meta[META + "protocolVersion"], "mcp-method": asked.method}
    if asked.tool is not None:
        expected["mcp-name"] = asked.tool
    for header, value in expected.items():
        if asked.headers.get(header) != value:
            raise RefusedError(HEADER_MISMATCH, f"The header {header} is not what the body says.")
    if expected["mcp-protocol-version"] != STATELESS:
        raise RefusedError(UNSUPPORTED_VERSION, "Unsupported protocol version", _versions(asked))


def _check_arguments_in_headers(stage: Stage, asked: Asked) -> None:
    arguments = asked.params.get("arguments")
    tool = stage.tools.get(asked.tool or "", {"inputSchema": {}})
    for name, schema in tool["inputSchema"].get("properties", {}).items():
        header = schema.get("x-mcp-header")
        if header is None or not isinstance(arguments, dict) or name not in arguments:
            continue
        if asked.headers.get(f"mcp-param-{header}".lower()) != str(arguments[name]):
            raise RefusedError(HEADER_MISMATCH, f"The header for {name} is not what the body says.")


def _versions(asked: Asked) -> dict[str, Any]:
    return {"supported": [STATELESS], "requested": str(asked.headers.get("mcp-protocol-version", ""))}


async def answer(stage: Stage, asked: Asked) -> dict[str, Any]:
    """The result of a request; raises `RefusedError`."""
    is_stateless = stage.script.protocol == STATELESS
    match asked.method:
        case "server/discover" if is_stateless:
            told = {"supportedVersions": [STATELESS], **_about(stage)}
            return {**_cached(), **told, "_meta": {META + "serverInfo": SERVER}}
        case "initialize" if not is_stateless:
            return {"protocolVersion": stage.script.protocol, "serverInfo": SERVER, **_about(stage)}
        case "ping" if not is_stateless:
            return {}
        case "tools/list":
            return {**(_cached() if is_stateless else {}), **_page(stage, asked)}
        case "tools/call":
            return {**({"resultType": "complete"} if is_stateless else {}), **await _call(stage, asked)}
    raise RefusedError(METHOD_NOT_FOUND, "Method not found")


def _cached() -> dict[str, Any]:
    return {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}


def _about(stage: Stage) -> dict[str, Any]:
    said = {"instructions": stage.script.instructions} if stage.script.instructions else {}
    return {"capabilities": {"tools": {"listChanged": True}}, **said}


def _page(stage: Stage, asked: Asked) -> dict[str, Any]:
    cursor = str(asked.params.get("cursor") or "0")
    if not cursor.isdecimal():
        raise RefusedError(INVALID_PARAMS, "There is no such page.")
    begin, end = int(cursor), int(cursor) + stage.script.page
    more = {"nextCursor": str(end)} if end < len(stage.tools) else {}
    return {"tools": list(stage.tools.values())[begin:end], **more}


async def _call(stage: Stage, asked: Asked) -> dict[str, Any]:
    if not isinstance(asked.tool, str):
        raise RefusedError(INVALID_PARAMS, "A call names its tool.")
    call = stage.note_call(_noted(asked))
    try:
        return _result(await use(stage, call))
    except ToolError as error:
        return {"content": [{"type": "text", "text": str(error)}], "isError": True}
    except UnhandledError as error:
        # What a careless server does: the text goes out as it is.
        raise RefusedError(INTERNAL_ERROR, str(error)) from error


def _result(answered: Answer) -> dict[str, Any]:
    data = {"structuredContent": dict(answered.data)} if answered.data is not None else {}
    return {"content": [{"type": "text", "text": answered.text}], "isError": False, **data}


def _noted(asked: Asked) -> dict[str, Any]:
    arguments = asked.params.get("arguments", {})
    given = arguments if isinstance(arguments, dict) else {}
    keys = {
        "header": asked.headers.get("idempotency-key"),
        "meta": asked.meta.get(KEY_META),
        "argument": given.get("key"),
    }
    key_from = next((place for place, key in keys.items() if key), None)
    header, meta, argument = COMPANY
    return {
        "tool": asked.tool,
        "arguments": arguments,
        "key": str(keys[key_from]) if key_from else None,
        "key_from": key_from,
        "company": {
            "header": asked.headers.get(header),
            "meta": asked.meta.get(meta),
            "argument": given.get(argument),
        },
        "authorization": asked.headers.get("authorization"),
        "traceparent": asked.meta.get("traceparent") or asked.headers.get("traceparent"),
    }
