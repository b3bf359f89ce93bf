"""A route that is answered past the framework answers as the framework would have."""

import asyncio
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from neo.api import DirectRoutes, Page, RequestScope, install_error_handlers, requested_page, success
from neo.app import ROUTERS
from neo.errors import Failure, Kind

HOT = {
    ("POST", "/public-api/chat/sessions/{session_id}/messages"),
    ("GET", "/public-api/chat/sessions/{session_id}/events"),
}
REQUEST_ID = "7d0a3a44-5b0c-4f4e-9a47-6f7f5a1a9a11"


class NotYours(Failure):
    """For this test."""

    kind = Kind.FORBIDDEN
    code = "not_yours"
    remedy = ""


class Shown(BaseModel):
    value: str


router = APIRouter(prefix="/things")


async def known_caller(request: Request, name: str) -> str:
    if name == "anothers":
        raise NotYours("Not yours.")
    return f"{request.headers.get('authorization', 'nobody')} of {name}"


async def _tenant(request: Request) -> str:
    return request.headers.get("x-tenant", "none")


async def _told(
    caller: Annotated[str, Depends(known_caller)], tenant: Annotated[str, Depends(_tenant)]
) -> str:
    return f"{caller}, {tenant}"


Told = Annotated[str, Depends(_told)]


@router.get("/{name}")
async def thing(request: Request, told: Told, name: str, *, often: int = 1, loud: bool = False) -> Response:
    return success(request, Shown(value=f"{told} {name} {often} {loud}"))


@router.post("/{name}")
async def bend(request: Request, told: Told, name: str) -> Response:
    raise ZeroDivisionError(told, name)


@router.get("/{name}/parts")
async def parts(request: Request, told: Told, page: Annotated[Page, Depends(requested_page)]) -> Response:
    return success(request, Shown(value=f"{told} {page.size}"))


@router.get("/{name}/header")
async def header(
    request: Request, name: str, x_more: Annotated[str, Header()], *, yes: Annotated[bool, Query()]
) -> Response:
    return success(request, Shown(value=f"{name} {x_more} {yes}"))


@router.delete("/{name}/{number}")
async def numbered(request: Request, told: Told, name: str, number: int) -> Response:
    return success(request, Shown(value=f"{told} {name} {number + 1}"))


async def _times(request: Request) -> int:
    request.state.times = getattr(request.state, "times", 0) + 1
    return int(request.state.times)


async def _twice(times: Annotated[int, Depends(_times)]) -> int:
    return times * 2


@router.get("/{name}/shared")
async def shared(
    request: Request,
    name: str,
    times: Annotated[int, Depends(_times)],
    twice: Annotated[int, Depends(_twice)],
) -> Response:
    return success(request, Shown(value=f"{name} {times} {twice}"))


@router.get("/{name}/answer")
async def answering(request: Request, name: str, response: Response) -> Response:
    return success(request, Shown(value=f"{name} {type(response).__name__}"))


def app(*, is_direct: bool) -> ASGIApp:
    built = FastAPI(redirect_slashes=False)
    built.include_router(router)
    if is_direct:
        built.add_middleware(DirectRoutes, routes=router.routes)
    install_error_handlers(built)
    return RequestScope(built)


async def answered(
    method: str, path: str, *, is_direct: bool
) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
    transport = httpx2.ASGITransport(app(is_direct=is_direct), raise_app_exceptions=False)
    headers = {"authorization": "me", "x-tenant": "ours", "x-request-id": REQUEST_ID, "x-more": "more"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://neo") as http:
        answer = await http.request(method, path, headers=headers)
    body: dict[str, Any] = answer.json() if answer.content else {}
    # How long it took, and so how many digits that has.
    body.get("meta", {}).pop("timings_ms", None)
    headers_told = [header for header in answer.headers.multi_items() if header[0] != "content-length"]
    return answer.status_code, body, sorted(headers_told)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/things/one", 200),
        ("GET", "/things/one?often=3&loud=yes", 200),
        ("GET", "/things/one?often=x&loud=y", 422),
        ("GET", "/things/anothers?often=x", 403),
        ("GET", "/things/%C3%BCber%20all", 200),
        ("GET", "/things/a%2Fb", 405),
        ("GET", "/things/", 404),
        ("GET", "/things", 404),
        ("HEAD", "/things/one", 405),
        ("PUT", "/things/one", 405),
        ("POST", "/things/one", 500),
        ("POST", "/things/anothers", 403),
        ("GET", "/things/one/parts?page_size=7", 200),
        ("GET", "/things/one/parts?page_size=0", 422),
        ("GET", "/things/one/header?yes=1", 200),
        ("GET", "/things/one/header", 422),
        ("GET", "/things/one/shared", 200),
        ("GET", "/things/one/answer", 200),
        ("DELETE", "/things/one/41", 200),
        ("DELETE", "/things/one/x", 422),
    ],
)
async def test_it_answers_as_the_framework_does(method: str, path: str, status: int) -> None:
    direct, by_framework = await asyncio.gather(
        answered(method, path, is_direct=True), answered(method, path, is_direct=False)
    )

    assert direct == by_framework
    assert direct[0] == status


async def matched(method: str, path: str) -> str | None:
    """The path of the route that answers this directly; None where the framework is to."""

    async def framework(scope: Scope, receive: Receive, send: Send) -> None: ...

    direct = DirectRoutes(framework, [route for one in ROUTERS for route in one.routes])
    scope = {"type": "http", "method": method, "path": path, "root_path": ""}
    direct._match(scope)
    route = scope.get("route")
    return getattr(route, "path", None)


@pytest.mark.parametrize("route", [route for one in ROUTERS for route in one.routes], ids=str)
async def test_no_route_is_taken_for_another(route: object) -> None:
    path: str = getattr(route, "path", "")
    for method in getattr(route, "methods", ()):
        assert await matched(method, path) in (None, path)


async def test_what_is_asked_most_is_answered_directly() -> None:
    assert {(method, await matched(method, path)) for method, path in HOT} == HOT
