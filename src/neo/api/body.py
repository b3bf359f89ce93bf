"""Parses request bodies strictly: what two parsers could read differently is refused."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from neo.api.large.bodies import LARGE_BYTES, when_large
from neo.api.request_scope import phases_of
from neo.errors import Failure, Kind

BODY_BYTES_MAX = 1024 * 1024
# Beyond what a body of 200 companies has. Values cost the event loop microseconds each, whatever their bytes: a body of
# nothing but `[],` would hold up everybody for half a second.
VALUES_MAX = 5_000
# A slow connection needs a few seconds for a megabyte. A body that trickles in occupies nothing but its connection.
BODY_SECONDS = 10.0
# The answer must not grow with the number of unknown fields.
UNKNOWN_NAMED_MAX = 20
CHECKS = "neo.checks_after_body"

Model = TypeVar("Model", bound=BaseModel)


class MalformedBody(Failure):
    """The body is not JSON, or JSON that parsers read differently: a repeated key, a number out of range,
    half of a surrogate pair.
    """

    kind = Kind.MALFORMED
    code = "malformed_json"
    remedy = "Send plain JSON in UTF-8."


class BodyTimedOut(Failure):
    """The body took more than 10 s to arrive."""

    kind = Kind.MALFORMED
    code = "body_timed_out"
    remedy = "Send it again."


class BodyTooLarge(Failure):
    """The body has more than 1 MiB, or more than 5,000 values."""

    kind = Kind.TOO_LARGE
    code = "body_too_large"
    remedy = "Send less."


class UnsupportedBody(Failure):
    """The body is not `application/json` in UTF-8, or it is compressed."""

    kind = Kind.UNSUPPORTED
    code = "unsupported_media_type"
    remedy = "Set `Content-Type`."


class InvalidBody(Failure):
    """A field or a parameter has the wrong type or value."""

    kind = Kind.INVALID
    code = "validation_error"
    remedy = "See `details.fields`."


@dataclass(frozen=True)
class JsonBody(Generic[Model]):
    """A body that was read but not validated yet, so that a caller who may not see the resource is refused before they
    learn what is wrong with the body.
    """

    _model: type[Model]
    _raw: bytes
    _found: tuple[Model, list[str]] | Failure | None = None

    def parse(self) -> tuple[Model, list[str]]:
        """The body as its model, and a warning for each unknown field."""
        found = self._found or self._parsed_or_refused()
        if isinstance(found, Failure):
            raise found
        return found

    async def parsed_in_turn(self, request: Request) -> "JsonBody[Model]":
        return replace(self, _found=await when_large(request, len(self._raw), self._parsed_or_refused))

    def _parsed_or_refused(self) -> tuple[Model, list[str]] | Failure:
        try:
            return self._parsed()
        except Failure as failure:
            return failure

    def _parsed(self) -> tuple[Model, list[str]]:
        found = strict_json(self._raw)
        try:
            parsed = self._model.model_validate_json(self._raw, strict=True)
        except ValidationError as error:
            raise InvalidBody("The body is not valid.", details={"fields": _problems(error)}) from error
        return parsed, _warnings(_unknown(found, parsed))


def json_body(
    model: type[Model], *, may_be_missing: bool = False
) -> Callable[[Request], Coroutine[Any, Any, JsonBody[Model]]]:
    """A dependency that reads a JSON body, bounded in size and time. A missing one may be taken for `{}`."""

    async def read(request: Request) -> JsonBody[Model]:
        if may_be_missing and _has_no_body(request):
            return JsonBody(model, b"{}")
        _check_headers(request)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                raw, was_waited_for = await _read(request)
        except TimeoutError as error:
            raise BodyTimedOut(f"The body did not arrive within {BODY_SECONDS:.0f} s.") from error
        except ClientDisconnect as error:
            raise MalformedBody("The body ended early.") from error
        body = JsonBody(model, raw)
        if len(raw) > LARGE_BYTES:
            body = await body.parsed_in_turn(request)
            was_waited_for = True
        phases_of(request).mark("body")
        if was_waited_for:
            for check in request.scope.get(CHECKS, ()):
                await check()
        return body

    return read


def check_after_body(request: Request, check: Callable[[], Awaitable[None]]) -> None:
    """Have this checked again once the body is in. The sender decides how long a body takes, and the caller may have
    lost their rights by then. A body that had arrived when the caller was verified is not waited for, and costs no
    second look-up.
    """
    request.scope.setdefault(CHECKS, []).append(check)


def strict_json(raw: bytes) -> Any:
    """JSON that every parser reads alike: UTF-8, finite numbers, no lone surrogate, no NUL, no repeated key."""
    if not _has_few_values(raw):
        raise BodyTooLarge(f"A body has at most {VALUES_MAX} values.")
    try:
        orjson.loads(raw)
        found = json.loads(raw, object_pairs_hook=_once, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise MalformedBody("The body is not JSON, or not JSON that every parser reads alike.") from error
    # Only the escape can produce a NUL, so most bodies need not be searched.
    if b"u0000" in raw and _has_nul(found):
        raise InvalidBody("Strings must not contain the NUL character.")
    return found


def _has_few_values(raw: bytes) -> bool:
    """Counted by what stands before and between values, in passes over the bytes that make nothing of them."""
    if _values(raw) <= VALUES_MAX:
        return True
    # In texts they mean nothing, and texts are what most large bodies have. Outside of texts no backslash is JSON.
    bare = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    if bare.count(b'"') > 4 * VALUES_MAX:
        # Each value is at most a text, and has at most a name.
        return False
    return sum(map(_values, bare.split(b'"')[::2])) <= VALUES_MAX


def _values(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _has_no_body(request: Request) -> bool:
    headers = request.headers
    return "transfer-encoding" not in headers and headers.get("content-length", "0") == "0"


def _check_headers(request: Request) -> None:
    media_type, *parameters = request.headers.get("content-type", "").split(";")
    if media_type.strip().lower() != "application/json" or not all(_says_utf8(one) for one in parameters):
        raise UnsupportedBody("Send the body as `Content-Type: application/json`, in UTF-8.")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedBody("Send the body without a Content-Encoding.")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared[:20]) > BODY_BYTES_MAX:
        raise _too_large()


def _says_utf8(parameter: str) -> bool:
    """Or nothing of the charset: clients add versions and the like."""
    name, _, value = parameter.partition("=")
    return name.strip().lower() != "charset" or value.strip().strip('"').lower() in ("utf-8", "utf8")


async def _read(request: Request) -> tuple[bytes, bool]:
    """The body, and whether it was waited for: then the event loop has turned meanwhile."""
    has_turned = asyncio.Event()
    turn = asyncio.get_running_loop().call_soon(has_turned.set)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise _too_large()
    turn.cancel()
    return bytes(body), has_turned.is_set()


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"A body has at most {BODY_BYTES_MAX} bytes.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


def _finite(number: str) -> float:
    value = float(number)
    if value in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return value


def _has_nul(found: Any) -> bool:
    """One level after the other: a walk from value to value could be deeper than Python's stack."""
    level = [found]
    while level:
        if any("\0" in value for value in level if isinstance(value, str)):
            return True
        level = [inner for value in level if isinstance(value, dict | list) for inner in _inside(value)]
    return False


def _inside(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return chain(container, container.values()) if isinstance(container, dict) else container


def _warnings(unknown: list[str]) -> list[str]:
    warnings = [f"Unknown field ignored: {name[:80]}" for name in unknown[:UNKNOWN_NAMED_MAX]]
    if len(unknown) > UNKNOWN_NAMED_MAX:
        warnings.append(f"Unknown fields ignored: {len(unknown) - UNKNOWN_NAMED_MAX} more.")
    return warnings


def _unknown(found: Any, parsed: BaseModel) -> list[str]:
    """The names of unknown fields; those of inner objects with their path."""
    if not isinstance(found, dict):
        return []
    known = type(parsed).model_fields
    unknown = sorted(set(found) - set(known))
    for name in sorted(set(found) & set(known)):
        inner = getattr(parsed, name)
        if isinstance(inner, BaseModel):
            unknown += [f"{name}.{field}" for field in _unknown(found[name], inner)]
    return unknown


def _problems(error: ValidationError) -> dict[str, str]:
    return {
        ".".join(str(step) for step in problem["loc"])[:200] or "body": problem["msg"]
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    }
