"""The connections to providers: aiohttp's below the client that everyone here speaks through.

Its parser is C and gives all that has come at once: a piece of an answer costs half of what it costs otherwise.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx2

# The client has set all headers itself, or has meant to leave them out.
_LEFT_OUT = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
# Asked for with this many seconds at most, kept by aiohttp's resolver for those that ask next.
_NAMES_KEPT_SECONDS = 10


class Wire(httpx2.AsyncBaseTransport):
    def __init__(self, *, connections_max: int, keep_seconds: float, trust_env: bool) -> None:
        self._connections_max = connections_max
        self._keep_seconds = keep_seconds
        self._trust_env = trust_env
        # Made at the first call, for it belongs to the loop that runs then.
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        session = self._session = self._session or self._new_session()
        with _as_told_by_the_client(request):
            response = await session.request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=await request.aread(),
                allow_redirects=False,
                timeout=_timeout(request),
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
                keepalive_timeout=self._keep_seconds,
                ttl_dns_cache=_NAMES_KEPT_SECONDS,
                ssl=httpx2.create_ssl_context(),
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_LEFT_OUT,
            trust_env=self._trust_env,
        )


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse, request: httpx2.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_told_by_the_client(self._request):
            async for chunk in self._response.content.iter_any():
                if transport := self._transport():
                    # What comes while nobody waits is read in one piece, not woken up for each time.
                    transport.pause_reading()
                yield chunk
                if transport := self._transport():
                    transport.resume_reading()

    def _transport(self) -> asyncio.Transport | None:
        """None once the connection is given back, with the body's last byte, or is closing."""
        connection = self._response.connection
        transport = connection.transport if connection is not None else None
        return transport if transport is not None and not transport.is_closing() else None

    async def aclose(self) -> None:
        """A body that was read to its end has given its connection back already; any other is cut."""
        self._response.close()


def _timeout(request: httpx2.Request) -> aiohttp.ClientTimeout:
    told = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(
        total=None, connect=told.get("pool"), sock_connect=told.get("connect"), sock_read=told.get("read")
    )


@contextmanager
def _as_told_by_the_client(request: httpx2.Request) -> Iterator[None]:
    """The client's own errors, which all that speak through it know."""
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
