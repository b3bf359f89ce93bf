"""The transport under the protocol's library. It never raises: what it raised would end all calls of the client."""

from collections.abc import Callable
from typing import Any

import httpx2
import orjson

from neo.connections.exchange import UNAUTHORIZED, Exchange, noted
from neo.connections.mcp.answers import JSON, NoAnswerError, find_answer
from neo.connections.outcome import Ending
from neo.connections.sign_in import SignIn
from neo.egress import ON_SENT

NOT_ALLOWED, ACCEPTED, BAD_REQUEST, BAD_GATEWAY = 405, 202, 400, 502
# The library hands it on, and nobody reads it: what has happened is in the exchange.
FAULT_CODE = -32000
_KEPT_HEADERS = ("mcp-session-id", "location")


class Door(httpx2.AsyncBaseTransport):
    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        url: httpx2.URL,
        sign_in: SignIn,
        exchange_of: Callable[[Any], Exchange],
    ) -> None:
        """`exchange_of` finds the exchange of a message; None stands for what is no message."""
        self._inner = inner
        self._origin = _origin(url)
        self._sign_in = sign_in
        self._exchange_of = exchange_of

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            # The standing stream of the older protocols, on which a server says what nobody has asked.
            return httpx2.Response(NOT_ALLOWED, request=request)
        content = await request.aread()
        message = orjson.loads(content) if content else None
        exchange = self._exchange_of(message)
        if exchange.ending is None:
            with noted(exchange):
                return await self._answered(request, message, exchange)
        return _fault(request, message, exchange)

    async def _answered(self, request: httpx2.Request, message: Any, exchange: Exchange) -> httpx2.Response:
        if _origin(request.url) != self._origin:
            exchange.fail(Ending.PROTOCOL_BROKEN, "The server answered with a redirection to another place.")
            return _fault(request, message, exchange)
        response = await self._send(request, exchange)
        try:
            exchange.read_status(response)
            if exchange.ending is not None:
                return _fault(request, message, exchange)
            return await _read(request, response, message, exchange)
        finally:
            await response.aclose()

    async def _send(self, request: httpx2.Request, exchange: Exchange) -> httpx2.Response:
        """Send it, and once more with a fresh token where the first is not accepted: it was not acted on then."""
        signed = await self._sign_in.headers()
        response = await self._inner.handle_async_request(_dressed(request, exchange, signed))
        if response.status_code != UNAUTHORIZED or not self._sign_in.can_renew:
            return response
        await response.aclose()
        signed = await self._sign_in.headers(refused=signed)
        return await self._inner.handle_async_request(_dressed(request, exchange, signed))


def _dressed(request: httpx2.Request, exchange: Exchange, signed: dict[str, str]) -> httpx2.Request:
    headers = httpx2.Headers(request.headers)
    headers.update({**exchange.headers, **signed})
    return httpx2.Request(
        request.method,
        request.url,
        headers=headers,
        content=request.content,
        extensions={**request.extensions, ON_SENT: exchange.note_sent},
    )


async def _read(
    request: httpx2.Request, response: httpx2.Response, message: Any, exchange: Exchange
) -> httpx2.Response:
    """The answer, as the library reads it best: whole, and alone."""
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    message_id = message.get("id") if isinstance(message, dict) else None
    if message_id is None or response.status_code == ACCEPTED or response.has_redirect_location:
        return httpx2.Response(response.status_code, headers=headers, request=request)
    try:
        answer = await find_answer(response, message_id)
    except NoAnswerError as error:
        if response.status_code < BAD_REQUEST:
            exchange.fail(Ending.PROTOCOL_BROKEN, str(error))
            return _fault(request, message, exchange)
        answer = None
    if answer is not None:
        exchange.note_answer(is_error=answer.is_error)
        headers["content-type"] = JSON
    return httpx2.Response(
        response.status_code, headers=headers, content=answer.body if answer else None, request=request
    )


def _fault(request: httpx2.Request, message: Any, exchange: Exchange) -> httpx2.Response:
    """What the library takes for the server's refusal of this request alone."""
    error = {"code": FAULT_CODE, "message": exchange.detail}
    message_id = message.get("id") if isinstance(message, dict) else None
    body = orjson.dumps({"jsonrpc": "2.0", "id": message_id, "error": error})
    return httpx2.Response(BAD_GATEWAY, headers={"content-type": JSON}, content=body, request=request)


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
