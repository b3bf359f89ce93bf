"""A small application on the real edge: its scope, its errors, its bodies and pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx2
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from neo.api import (
    JsonBody,
    LargeBodies,
    Page,
    add_headers,
    edge,
    install_error_handlers,
    json_body,
    next_cursor,
    number_before,
    requested_page,
    success,
)
from neo.errors import Failure, Kind

ROWS = 5
ORIGIN = "https://app.example"


class Refused(Failure):
    kind = Kind.CONFLICT
    code = "refused"
    remedy = ""


class Inner(BaseModel):
    size: int = 0


class Thing(BaseModel):
    name: str
    inner: Inner = Inner()


def small_app() -> ASGIApp:
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    app.state.large_bodies = LargeBodies()

    @app.post("/things/{name}")
    async def post_thing(
        request: Request, name: str, body: Annotated[JsonBody[Thing], Depends(json_body(Thing))]
    ) -> Response:
        thing, warnings = body.parse()
        add_headers(request, {"x-name": name})
        return success(request, thing, status=202, warnings=warnings)

    @app.get("/things")
    async def list_things(request: Request, page: Annotated[Page, Depends(requested_page)]) -> Response:
        before = number_before("things", page) or ROWS + 1
        numbers = [number for number in range(ROWS, 0, -1) if number < before][: page.size + 1]
        cursor = next_cursor("things", page, numbers, lambda number: (number,))
        shown = [Thing(name=str(number)) for number in numbers[: page.size]]
        return success(request, shown, is_page=True, next_cursor=cursor)

    @app.get("/refused/{kind}")
    async def refuse(kind: str) -> Response:
        refused = type("RefusedAs", (Refused,), {"kind": Kind[kind]})
        raise refused("Refused.", details={"kind": kind}, retry_after_seconds=7)

    @app.get("/bug")
    async def bug() -> Response:
        raise ZeroDivisionError("the secret of the house")

    install_error_handlers(app)
    return edge(app, origins=[ORIGIN], is_https=True)


@asynccontextmanager
async def calling(app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://neo") as http:
        yield http


def error_of(answer: httpx2.Response) -> Any:
    return answer.json()["error"]
