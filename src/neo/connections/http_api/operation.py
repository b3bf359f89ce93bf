"""One operation of an API, and the request that it and its arguments make."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import httpx2

from neo.connections.schemas import LIST_PATTERNS_MAX, SchemaRefused, checked_schema, patterns_in
from neo.connections.target import Target

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
SAFE_METHODS = ("GET", "HEAD")
REPEATABLE_METHODS = ("PUT", "DELETE")
PARAMETERS_MAX = 64
_VARIABLE = re.compile(r"\{([A-Za-z0-9_.-]{1,64})\}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
# They are the connection's to set, or say how the request is read.
HEADERS_RESERVED = frozenset(
    {"authorization", "proxy-authorization", "cookie", "host", "idempotency-key", "content-length", "content-type",
     "connection", "transfer-encoding", "te", "trailer", "upgrade", "expect", "accept-encoding", "user-agent"}
)  # fmt: skip


class Place(StrEnum):
    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    BODY = "body"
    """The whole body, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    name: str
    place: Place
    schema: dict[str, Any]
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    name: str
    method: str
    path: str
    """Below the connection's address; `{name}` stands for a parameter of the path."""
    title: str | None = None
    description: str = ""
    group: str | None = None
    """By which an agent may be allowed to call it, or not."""
    parameters: tuple[Parameter, ...] = ()

    @classmethod
    def kept(cls, name: str, told: Mapping[str, Any]) -> "Operation":
        """One that was stored as a tool, with its `input_schema` and its `operation`."""
        schema, request = told["input_schema"], told["operation"]
        parameters = (
            Parameter(
                name=one,
                place=Place(place),
                schema=schema["properties"][one],
                is_required=one in schema["required"],
            )
            for one, place in request["places"].items()
        )
        return cls(name=name, method=request["method"], path=request["path"], parameters=tuple(parameters))

    def request(self) -> dict[str, Any]:
        """What makes its requests, beside its `input_schema`."""
        places = {one.name: one.place.value for one in self.parameters}
        return {"method": self.method, "path": self.path, "places": places}

    def hints(self) -> dict[str, bool]:
        """What its method says of it, in the words that MCP servers use: a proposal, which lowers nothing."""
        if self.method in SAFE_METHODS:
            return {"readOnlyHint": True}
        return {"idempotentHint": True} if self.method in REPEATABLE_METHODS else {}

    def pattern_count(self) -> int:
        return sum(len(patterns_in(one.schema)) for one in self.parameters)

    def input_schema(self) -> dict[str, Any]:
        """The schema of the arguments as one object; raises `SchemaRefused`."""
        return checked_schema(
            {
                "type": "object",
                "properties": {one.name: one.schema for one in self.parameters},
                "required": [one.name for one in self.parameters if one.is_required],
                "additionalProperties": False,
            }
        )

    def check(self, patterns: int = 0) -> None:
        """Raises `SchemaRefused` for an operation that cannot be called; the patterns are those of it and of all
        that came before it.
        """
        if patterns > LIST_PATTERNS_MAX:
            raise SchemaRefused(f"The operations have more than {LIST_PATTERNS_MAX} patterns.")
        bodies = [one for one in self.parameters if one.place is Place.BODY]
        names = [one.name for one in self.parameters]
        in_path = {one.name for one in self.parameters if one.place is Place.PATH}
        if self.method not in METHODS:
            raise SchemaRefused(f"The method is one of {', '.join(METHODS)}.")
        if not self.path.startswith("/") or set(self.path) & set("?#\\") or ".." in self.path.split("/"):
            raise SchemaRefused("The path begins with a slash, and has no query and no `..`.")
        if len(names) != len(set(names)) or len(names) > PARAMETERS_MAX:
            raise SchemaRefused(
                f"Each parameter has a name of its own, and there are at most {PARAMETERS_MAX}."
            )
        self._check_variables(in_path)
        for one in self.parameters:
            if one.place is Place.HEADER and not _may_be_header(one.name):
                raise SchemaRefused(f"The header {one.name} is not a parameter's to set.")
        if len(bodies) > 1 or (bodies and self.method in SAFE_METHODS):
            raise SchemaRefused("There is one body at most, and none with GET and HEAD.")
        self.input_schema()

    def _check_variables(self, in_path: set[str]) -> None:
        if lacking := variables_of(self.path) - in_path:
            raise SchemaRefused(f"{{{min(lacking)}}} in {self.path} has no parameter of the path.")
        if unused := in_path - variables_of(self.path):
            raise SchemaRefused(f"The parameter {min(unused)} is not in the path {self.path}.")
        if "{" in _VARIABLE.sub("", self.path):
            raise SchemaRefused(f"A brace in {self.path} begins no `{{name}}`.")


def variables_of(path: str) -> set[str]:
    return set(_VARIABLE.findall(path))


class ArgumentsRefusedError(Exception):
    """The arguments do not make a request."""


def request_of(target: Target, operation: Operation, given: Mapping[str, Any]) -> httpx2.Request:
    """Raises `ArgumentsRefusedError`."""
    arguments = {one.name: (one.place, given[one.name]) for one in operation.parameters if one.name in given}
    path = operation.path
    for name, (place, value) in arguments.items():
        if place is Place.PATH:
            path = path.replace(f"{{{name}}}", _segment(name, value))
    by_place: dict[Place, dict[str, Any]] = {place: {} for place in Place}
    for name, (place, value) in arguments.items():
        by_place[place][name] = value
    headers = {name: _line(name, value) for name, value in by_place[Place.HEADER].items()}
    body = next(iter(by_place[Place.BODY].values()), None)
    query = {name: _listed(value) for name, value in by_place[Place.QUERY].items()}
    url = httpx2.URL(target.url.rstrip("/") + path)
    return httpx2.Request(
        operation.method,
        url.copy_merge_params(query) if query else url,
        headers={"accept": "application/json, text/*;q=0.9, */*;q=0.1", **headers},
        json=body,
    )


def _may_be_header(name: str) -> bool:
    return bool(_HEADER.fullmatch(name)) and name.lower() not in HEADERS_RESERVED


def _segment(name: str, value: Any) -> str:
    """One segment of a path: it ends nowhere but in itself."""
    text = _scalar(value)
    if text in ("", ".", ".."):
        raise ArgumentsRefusedError(f"The argument {name} cannot stand in a path.")
    return quote(text, safe="")


def _line(name: str, value: Any) -> str:
    text = _scalar(value)
    if not text.isascii() or not text.isprintable():
        raise ArgumentsRefusedError(f"The argument {name} cannot stand in a header.")
    return text


def _listed(value: Any) -> str | list[str]:
    return [_scalar(one) for one in value] if isinstance(value, list) else _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ArgumentsRefusedError("An argument outside of the body is a text, a number, or yes or no.")
