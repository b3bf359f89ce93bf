"""The layers around the application, in the order in which a request meets them."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from neo.api.request_scope import RequestScope
from neo.api.wire_rules import WireRules

EXPOSED_HEADERS = (
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Retry-After",
)
# A year, as browsers' lists of such hosts ask for. Other hosts of the same name are not ours to speak for.
HSTS = "max-age=31536000"


def edge(app: ASGIApp, *, origins: Sequence[str] = (), is_https: bool = False) -> ASGIApp:
    """`is_https`: whether callers reach it by https only, whoever ends that."""
    ruled: ASGIApp = WireRules(app)
    if origins:
        # Around everything that refuses: a page may not read an answer without these headers, nor its error code.
        ruled = CORSMiddleware(
            ruled,
            allow_origins=origins,
            allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
            # Browsers, tracers and object stores' clients ask for more headers than a list would know. No cookie
            # gives rights here, so an allowed page can do nothing with a header that its own server could not.
            allow_headers=("*",),
            expose_headers=EXPOSED_HEADERS,
        )
        # That layer answers preflights itself.
        ruled = WireRules(ruled, method="OPTIONS")
    headers = {"x-content-type-options": "nosniff"}
    if is_https:
        headers["strict-transport-security"] = HSTS
    return RequestScope(ruled, headers=headers)
