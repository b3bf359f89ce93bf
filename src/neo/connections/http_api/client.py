"""A client of one API for one turn, whose calls end as outcomes."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Self

import httpx2
import orjson

from neo.connections.exchange import FORBIDDEN, UNAUTHORIZED, Exchange, noted
from neo.connections.http_api.operation import ArgumentsRefusedError, Operation, request_of
from neo.connections.line import Line
from neo.connections.outcome import Bytes, Content, Ending, Json, Outcome, Text
from neo.connections.schemas import problems_of
from neo.connections.waiting import held_back, tell, until, without_secrets
from neo.egress import ON_SENT

KEY_HEADER = "idempotency-key"
CALL_SECONDS = 30.0
SAID_CHARACTERS_MAX = 8 * 1024
REDIRECTION, REFUSED = 300, 400


class HttpApiClient:
    """Calls may be made beside each other. The operations have been checked."""

    def __init__(self, line: Line, operations: Iterable[Operation]) -> None:
        self._operations = {one.name: one for one in operations}
        self._target = line.target
        self._sign_in = line.sign_in
        self._breaker = line.breaker
        self._leaving: set[asyncio.Future[Any]] = set()
        self._http = line.egress.client_through(
            line.target.tenant, lambda guarded: guarded, bounds=line.bounds
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        key: str,
        seconds: float = CALL_SECONDS,
        company: str | None = None,
        cancelled: asyncio.Event | None = None,
    ) -> Outcome:
        """Call an operation. Arguments that are not its schema's end the call before it is sent."""
        given, headers = dict(arguments), {KEY_HEADER: key}
        self._target.company.put(company, arguments=given, headers=headers, meta={})
        try:
            request = self._request(name, given)
        except ArgumentsRefusedError as refused:
            return Outcome(
                ending=Ending.REFUSED, is_sent=False, detail=str(refused), code="invalid_arguments"
            )
        return await self._ended(request, Exchange(headers), seconds, cancelled)

    async def aclose(self) -> None:
        await self._http.aclose()

    def _request(self, name: str, given: Mapping[str, Any]) -> httpx2.Request:
        """Raises `ArgumentsRefusedError`."""
        operation = self._operations.get(name)
        if operation is None:
            raise ArgumentsRefusedError(f"The connection has no operation {name} any more.")
        for problem in problems_of(operation.input_schema(), dict(given)):
            raise ArgumentsRefusedError(f"{problem.path or 'The arguments'}: {problem.message}")
        return request_of(self._target, operation, given)

    async def _ended(
        self, request: httpx2.Request, exchange: Exchange, seconds: float, cancelled: asyncio.Event | None
    ) -> Outcome:
        if refused := held_back(self._breaker):
            return refused
        outcome: Outcome | None = None
        try:
            answered = await until(
                self._asked(request, exchange), exchange, seconds, cancelled, self._leaving
            )
            if isinstance(answered, Exception):
                raise answered
            outcome = answered or _without_answer(exchange)
            return outcome
        finally:
            tell(self._breaker, outcome)

    async def _asked(self, request: httpx2.Request, exchange: Exchange) -> Outcome | None:
        with noted(exchange):
            signed = await self._sign_in.headers()
            response = await self._send(request, exchange, signed)
            if response.status_code == UNAUTHORIZED and self._sign_in.can_renew:
                await response.aclose()
                signed = await self._sign_in.headers(refused=signed)
                response = await self._send(request, exchange, signed)
            try:
                return self._outcome(response, await response.aread(), exchange)
            finally:
                await response.aclose()
        return None

    async def _send(
        self, request: httpx2.Request, exchange: Exchange, signed: Mapping[str, str]
    ) -> httpx2.Response:
        headers = httpx2.Headers(self._http.headers)
        headers.update(request.headers)
        headers.update({**exchange.headers, **signed})
        # Not through the client's own building of requests: cookies and other defaults are not wanted here.
        sent = httpx2.Request(
            request.method,
            request.url,
            headers=headers,
            content=await request.aread(),
            extensions={**self._timeouts(), ON_SENT: exchange.note_sent},
        )
        return await self._http.send(sent, stream=True)

    def _timeouts(self) -> dict[str, Any]:
        return {"timeout": self._http.timeout.as_dict()}

    def _outcome(self, response: httpx2.Response, body: bytes, exchange: Exchange) -> Outcome | None:
        """None for what is no answer of the operation: the exchange says what it is."""
        status = response.status_code
        is_signed_in = status == FORBIDDEN and "www-authenticate" not in response.headers
        if is_signed_in:
            exchange.note_status(status)
        else:
            exchange.read_status(response)
        if REDIRECTION <= status < REFUSED:
            exchange.fail(Ending.PROTOCOL_BROKEN, f"The server redirected ({status}).")
        if exchange.ending is not None:
            return None
        content = tuple(without_secrets(one, self._sign_in) for one in _content(response, body))
        if status < REDIRECTION:
            return Outcome(ending=Ending.OK, is_sent=True, content=content, status=status)
        said = self._sign_in.hidden_in(body.decode(errors="replace"))[:SAID_CHARACTERS_MAX]
        return Outcome(ending=Ending.TOOL_ERROR, is_sent=True, content=content, said=said, status=status)


def _content(response: httpx2.Response, body: bytes) -> tuple[Content, ...]:
    if not body:
        return ()
    kind = str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()
    try:
        if kind == "application/json" or kind.endswith("+json"):
            return (Json(orjson.loads(body)),)
        if kind.startswith("text/"):
            return (Text(body.decode(response.charset_encoding or "utf-8")),)
    except (ValueError, LookupError):
        # It is not what it says that it is.
        return (Bytes(body, kind),)
    return (Bytes(body, kind or "application/octet-stream"),)


def _without_answer(exchange: Exchange) -> Outcome:
    return Outcome(
        ending=exchange.ending or Ending.PROTOCOL_BROKEN,
        is_sent=exchange.is_sent,
        detail=exchange.detail,
        code=exchange.code,
        challenge=exchange.challenge,
        status=exchange.status,
        retry_after_seconds=exchange.retry_after_seconds,
    )
