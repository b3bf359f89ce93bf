"""The token endpoint, for client credentials (OAuth 2.0)."""

import base64
import binascii
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from neo.engines.scripted_mcp import faults
from neo.engines.scripted_mcp.stage import Stages
from neo.engines.scripted_model.connection import Connection

METHOD = "token"


class TokenEndpoint:
    """The ASGI application of `POST /token`."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        stage = self._stages.named(scope["path_params"].get("stage", ""))
        stage.methods[METHOD] += 1
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        fault = stage.fault(METHOD, None)
        client, secret = _named(request, form)
        if fault is not None and fault.is_before:
            await faults.before(fault, Connection(scope, receive, send), None)
        elif fault is not None:
            await faults.after(fault, Connection(scope, receive, send), None, {})
        elif form.get("grant_type") != "client_credentials":
            await _refused("unsupported_grant_type", 400)(scope, receive, send)
        elif not client or stage.script.clients.get(client) != secret:
            await _refused("invalid_client", 401)(scope, receive, send)
        else:
            token = {"access_token": stage.issue_token(), "token_type": "Bearer"}
            lasting = {"expires_in": int(stage.script.token_seconds), "scope": form.get("scope", "")}
            answer = JSONResponse(token | lasting, headers={"cache-control": "no-store"})
            await answer(scope, receive, send)


def _named(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Id and secret, from the header or from the form."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(client), unquote(secret)


def _refused(code: str, status: int) -> JSONResponse:
    return JSONResponse({"error": code}, status)
