"""Answers routes without the framework's own way to them, which is half of what a request costs before it is handled.

FastAPI declares and describes every route, and answers those whose parameters it has to parse. Where a function takes
no more than the request, parts of the path, parameters of the query and what other such functions return, it is
called from here, in the same order and with the same errors.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.convertors import StringConvertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from neo.api.errors import refusal_response
from neo.errors import Failure


@dataclass(frozen=True)
class Call:
    """A dependency, or a route's own function, by what it takes."""

    function: Callable[..., Coroutine[Any, Any, Any]]
    request_name: str | None
    path_names: tuple[str, ...]
    queries: tuple[Any, ...]
    needs: tuple[tuple[str, "Call"], ...]

    async def made(self, request: Request) -> Any:
        """What it returns for this request."""
        values = {name: request.path_params[name] for name in self.path_names}
        if self.request_name is not None:
            values[self.request_name] = request
        for name, call in self.needs:
            values[name] = await call.made(request)
        if self.queries:
            found, errors = request_params_to_args(self.queries, request.query_params)
            if errors:
                raise RequestValidationError(errors)
            values |= found
        return await self.function(**values)


class DirectRoutes:
    """A middleware: what none of its routes is asked for goes on to the framework."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        # By method and number of slashes: a few routes each.
        self._routes: dict[tuple[str, int], list[tuple[APIRoute, Call]]] = {}
        for route, call in _direct(routes):
            for method in route.methods or ():
                self._routes.setdefault((method, route.path.count("/")), []).append((route, call))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = self._match(scope) if scope["type"] == "http" and not scope["root_path"] else None
        if call is None:
            await self._app(scope, receive, send)
        else:
            response = await _answer(call, Request(scope, receive))
            await response(scope, receive, send)

    def _match(self, scope: Scope) -> Call | None:
        path = scope["path"]
        for route, call in self._routes.get((scope["method"], path.count("/")), ()):
            if (match := route.path_regex.match(path)) is not None:
                scope["route"], scope["path_params"] = route, match.groupdict()
                return call
        return None


async def _answer(call: Call, request: Request) -> Response:
    try:
        response: Response = await call.made(request)
    except (Failure, RequestValidationError) as error:
        return await refusal_response(request, error)
    return response


def _direct(routes: Iterable[BaseRoute]) -> Iterator[tuple[APIRoute, Call]]:
    for route in routes:
        if isinstance(route, APIRoute) and _is_plain(route) and (call := _call(route.dependant)) is not None:
            functions = list(_functions(call))
            # What is asked for twice is called once by the framework.
            if len(functions) == len(set(functions)):
                yield route, call


def _functions(call: Call) -> Iterator[Callable[..., Any]]:
    yield call.function
    for _, needed in call.needs:
        yield from _functions(needed)


def _is_plain(route: APIRoute) -> bool:
    return all(isinstance(one, StringConvertor) for one in route.param_convertors.values())


def _call(dependant: Dependant, *, is_outer: bool = True) -> Call | None:
    """None where only the framework knows what the function is called with."""
    if dependant.call is None or not _is_simple(dependant, is_outer=is_outer):
        return None
    needs = [(one.name, _call(one, is_outer=False)) for one in dependant.dependencies]
    known = tuple((name, call) for name, call in needs if name is not None and call is not None)
    if len(known) < len(needs):
        return None
    paths = tuple(field.name for field in dependant.path_params)
    return Call(dependant.call, dependant.request_param_name, paths, tuple(dependant.query_params), known)


def _is_simple(dependant: Dependant, *, is_outer: bool) -> bool:
    # What is wrong with a query is told together, so only the route's own function may ask for it.
    inner = () if is_outer else dependant.query_params
    others = (*dependant.header_params, *dependant.cookie_params, *dependant.body_params, *inner)
    objects = (
        dependant.http_connection_param_name,
        dependant.websocket_param_name,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
    )
    return (
        not others
        and not any(objects)
        and iscoroutinefunction(dependant.call)
        and all(field.field_info.annotation is str for field in dependant.path_params)
    )
