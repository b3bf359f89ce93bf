"""httpx2 over aiohttp's connections.

aiohttp's parser is written in C and returns at once all that has arrived. httpx2's own transport returns one HTTP chunk
at a time, and each costs several times as much of the processor: 300 streams would be late by seconds.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import aiohttp
import httpx2
from aiohttp.abc import AbstractResolver

from neo.egress.certificates import trusted_authorities

# An extension of a request: called when its first byte is about to leave. Until then it has certainly done nothing.
ON_SENT = "neo.on_sent"
# httpx2 has set all headers already; aiohttp must not add any.
_NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_DNS_CACHE_SECONDS = 10


class AiohttpTransport(httpx2.AsyncBaseTransport):
    def __init__(
        self,
        *,
        connections_max: int,
        keep_alive_seconds: float,
        trust_env: bool,
        resolver: AbstractResolver | None = None,
        tells_sent: bool = False,
    ) -> None:
        self._connections_max = connections_max
        self._keep_alive_seconds = keep_alive_seconds
        self._trust_env = trust_env
        self._resolver = resolver
        self._tells_sent = tells_sent
        # It is made at the first call, for it belongs to the event loop that runs then.
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        session = self._session = self._session or self._new_session()
        with _httpx2_errors(request):
            response = await session.request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=await request.aread(),
                allow_redirects=False,
                timeout=_timeout(request),
                trace_request_ctx=request.extensions.get(ON_SENT),
            )
        return httpx2.Response(
            response.status, headers=response.raw_headers, stream=_Body(response, request), request=request
        )

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections_max,
                keepalive_timeout=self._keep_alive_seconds,
                ttl_dns_cache=_DNS_CACHE_SECONDS,
                resolver=self._resolver,
                ssl=trusted_authorities(),
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_NOT_ADDED,
            trust_env=self._trust_env,
            trace_configs=[_telling_sent()] if self._tells_sent else None,
        )


def _telling_sent() -> aiohttp.TraceConfig:
    async def tell(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx()

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(tell)
    return config


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse, request: httpx2.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx2_errors(self._request):
            async for chunk in self._response.content.iter_any():
                if transport := self._transport():
                    # While the caller is busy or waits, nothing wakes the event loop up for what arrives.
                    transport.pause_reading()
                yield chunk
                if transport := self._transport():
                    transport.resume_reading()

    def _transport(self) -> asyncio.Transport | None:
        """None once the connection is closing, or is back in the pool, as it is after the body's last byte."""
        connection = self._response.connection
        transport = connection.transport if connection is not None else None
        return transport if transport is not None and not transport.is_closing() else None

    async def aclose(self) -> None:
        """Close the connection of a body that was not read to its end; any other is back in the pool already."""
        self._response.close()


def _timeout(request: httpx2.Request) -> aiohttp.ClientTimeout:
    limits = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(
        total=None,
        connect=limits.get("pool"),
        sock_connect=limits.get("connect"),
        sock_read=limits.get("read"),
    )


@contextmanager
def _httpx2_errors(request: httpx2.Request) -> Iterator[None]:
    """Raises httpx2's errors instead of aiohttp's."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error), request=request) from error
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error), request=request) from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise httpx2.UnsupportedProtocol(str(error), request=request) from error
    except (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError) as error:
        raise httpx2.ConnectError(str(error), request=request) from error
    except aiohttp.ClientOSError as error:
        raise httpx2.ReadError(str(error), request=request) from error
    except aiohttp.ClientError as error:
        raise httpx2.RemoteProtocolError(str(error), request=request) from error
