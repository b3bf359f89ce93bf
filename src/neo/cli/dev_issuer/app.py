"""The development issuer's routes: metadata, keys, tokens."""

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from neo.cli.dev_issuer.tokens import TokenRequest, claims, metadata, published, sign

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

# DNS rebinding: a web page whose host name resolves to this machine must not get tokens.
HOSTS = ["127.0.0.1", "localhost"]


def dev_issuer(key: "RSAKey", url: str) -> Starlette:
    async def describe(_: Request) -> JSONResponse:
        return JSONResponse(metadata(url))

    async def publish(_: Request) -> JSONResponse:
        return JSONResponse(published(key, url))

    async def issue(request: Request) -> JSONResponse:
        try:
            wanted = _token_request(request.headers.get("content-type", ""), await request.body())
        except ValueError as error:
            problem = "; ".join(_problems(error)) or "the body is no form"
            return JSONResponse({"error": "invalid_request", "error_description": problem}, 400)
        token = sign(key, claims(wanted, url))
        return JSONResponse(
            {
                "token_type": "Bearer",
                "scope": wanted.scope,
                "expires_in": wanted.expires_in,
                "access_token": token,
            },
            headers={"cache-control": "no-store"},
        )

    routes = [
        Route("/{tenant}/v2.0/.well-known/openid-configuration", describe),
        Route("/{tenant}/discovery/v2.0/keys", publish),
        Route("/token", issue, methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)])


def _token_request(content_type: str, body: bytes) -> TokenRequest:
    if content_type.partition(";")[0].strip() == "application/json":
        return TokenRequest.model_validate_json(body)
    form = parse_qs(body.decode(), strict_parsing=True)
    roles = form.pop("roles", [])
    return TokenRequest.model_validate({**{name: said[-1] for name, said in form.items()}, "roles": roles})


def _problems(error: ValueError) -> list[str]:
    found = error.errors() if isinstance(error, ValidationError) else []
    return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found]
