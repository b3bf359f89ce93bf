"""The one door to addresses that somebody else than the operator gave: clients that go nowhere else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import TypeVar

import httpx2
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

from neo.egress.aiohttp_transport import AiohttpTransport
from neo.egress.errors import EgressRefused, EgressTimeout, EgressTooLarge
from neo.egress.listed import Listed
from neo.egress.rate import Rate
from neo.egress.targets import CheckedResolver, check_request

T = TypeVar("T")

# Of all tenants together; each call holds one for as long as its answer takes.
CONNECTIONS_MAX = 500
KEEP_ALIVE_SECONDS = 15.0
CONNECT_SECONDS = 5.0
# A tool that takes longer runs apart.
CALL_SECONDS_MAX = 60.0
# What a model could read of one answer is far less.
ANSWER_BYTES_MAX = 4 * 1024 * 1024
CALLS_A_MINUTE = 600
REDIRECTS_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of one call, and of one tenant's calls in a minute."""

    seconds: float = CALL_SECONDS_MAX
    answer_bytes: int = ANSWER_BYTES_MAX
    calls_a_minute: int = CALLS_A_MINUTE


class Egress:
    """Everybody's clients share the connections, for a connection knows nothing of who uses it."""

    def __init__(
        self, listed: Listed, *, resolver: AbstractResolver | None = None, bounds: Bounds | None = None
    ) -> None:
        self._listed = listed
        self._resolver = resolver
        self._bounds = bounds or Bounds()
        self._rate = Rate(self._bounds.calls_a_minute)
        self._transport: AiohttpTransport | None = None

    def client(self, tenant: str) -> httpx2.AsyncClient:
        """A client for one tenant's calls. It raises `EgressRefused`, `EgressTooLarge`, `EgressTimeout` and
        `EgressRateLimited`, and httpx2's errors where the other side fails.
        """
        return httpx2.AsyncClient(
            transport=_Guarded(self._opened(), self._listed, self._rate, self._bounds, tenant),
            timeout=httpx2.Timeout(self._bounds.seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
            # Uncompressed, so that the bound on what arrives also bounds the memory.
            headers={"accept-encoding": "identity", "user-agent": "neo"},
            follow_redirects=True,
            max_redirects=REDIRECTS_MAX,
            trust_env=False,
            event_hooks={"response": [_refuse_leaving]},
        )

    async def aclose(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()

    def _opened(self) -> AiohttpTransport:
        # Resolvers belong to the event loop that runs when they are made.
        if self._transport is None:
            resolver = CheckedResolver(self._resolver or ThreadedResolver(), self._listed)
            self._transport = AiohttpTransport(
                connections_max=CONNECTIONS_MAX,
                keep_alive_seconds=KEEP_ALIVE_SECONDS,
                trust_env=False,
                resolver=resolver,
            )
        return self._transport


class _Guarded(httpx2.AsyncBaseTransport):
    def __init__(
        self, inner: AiohttpTransport, listed: Listed, rate: Rate, bounds: Bounds, tenant: str
    ) -> None:
        self._inner = inner
        self._listed = listed
        self._rate = rate
        self._bounds = bounds
        self._tenant = tenant

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        check_request(request, self._listed)
        self._rate.take(self._tenant)
        deadline = asyncio.get_running_loop().time() + self._bounds.seconds
        response = await _in_time(deadline, self._inner.handle_async_request(request))
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise EgressRefused("The answer is compressed, though it was asked not to be.")
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - the transport is async.
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Bounded(response.stream, self._bounds.answer_bytes, deadline),
            request=request,
        )


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, bytes_max: int, deadline: float) -> None:
        self._inner = inner
        self._left = bytes_max
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._inner)
        while (chunk := await _in_time(self._deadline, anext(chunks, None))) is not None:
            self._left -= len(chunk)
            if self._left < 0:
                raise EgressTooLarge("The answer is too large.")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _in_time(deadline: float, awaited: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout_at(deadline):
            return await awaited
    except TimeoutError as error:
        raise EgressTimeout("The answer took too long.") from error


async def _refuse_leaving(response: httpx2.Response) -> None:
    """Refuse a redirection to another origin: it would take the request's secrets along, or lead to where it may not
    go.
    """
    if not response.has_redirect_location:
        return
    there = response.url.join(response.headers["location"])
    here = response.url
    if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
        await response.aclose()
        raise EgressRefused("The answer is a redirection to another place.")
