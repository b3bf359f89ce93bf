"""The one door to addresses that somebody else than the operator gave: clients that go nowhere else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
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
# Whoever has begun to answer and then is slower than this keeps a connection for nothing. A stream of events may rest.
ANSWER_BYTES_A_SECOND_MIN = 1024
# For so long the beginning of an answer may be slow.
SLOW_SECONDS_MAX = 10.0
EVENT_STREAM = "text/event-stream"


# Uncompressed, so that the bound on what arrives also bounds the memory.
_HEADERS = {"accept-encoding": "identity", "user-agent": "neo"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of one call, and of one tenant's calls in a minute."""

    seconds: float = CALL_SECONDS_MAX
    answer_bytes: int = ANSWER_BYTES_MAX
    calls_a_minute: int = CALLS_A_MINUTE
    answer_bytes_a_second: int = ANSWER_BYTES_A_SECOND_MIN
    slow_seconds: float = SLOW_SECONDS_MAX


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
            headers=_HEADERS,
            follow_redirects=True,
            max_redirects=REDIRECTS_MAX,
            trust_env=False,
            event_hooks={"response": [_refuse_leaving]},
        )

    def client_through(
        self,
        tenant: str,
        wrap: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport],
        *,
        bounds: Bounds,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        """A client whose calls pass through the caller's own transport first. It follows no redirections."""
        guarded = _Guarded(self._opened(), self._listed, self._rate, bounds, tenant)
        return httpx2.AsyncClient(
            transport=wrap(guarded),
            timeout=httpx2.Timeout(bounds.seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
            headers=_HEADERS,
            auth=auth,
            follow_redirects=False,
            trust_env=False,
        )

    def check(self, address: str) -> None:
        """Raises `EgressRefused` for an address that is not fetched, whatever its name resolves to."""
        check_request(httpx2.Request("GET", address), self._listed)

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
                tells_sent=True,
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
            stream=_Bounded(response.stream, self._bounds, deadline, may_rest=_is_stream(response)),
            request=request,
        )


def _is_stream(response: httpx2.Response) -> bool:
    return str(response.headers.get("content-type", "")).lower().startswith(EVENT_STREAM)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(
        self, inner: httpx2.AsyncByteStream, bounds: Bounds, deadline: float, *, may_rest: bool
    ) -> None:
        self._inner = inner
        self._bounds = bounds
        self._deadline = deadline
        self._may_rest = may_rest
        self._bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks, began = aiter(self._inner), asyncio.get_running_loop().time()
        while (chunk := await _in_time(self._slow_at(began), anext(chunks, None))) is not None:
            self._bytes += len(chunk)
            if self._bytes > self._bounds.answer_bytes:
                raise EgressTooLarge("The answer is too large.")
            yield chunk

    def _slow_at(self, began: float) -> float:
        """When the next bytes must have come."""
        if self._may_rest:
            return self._deadline
        paid = self._bytes / self._bounds.answer_bytes_a_second
        return min(self._deadline, began + max(self._bounds.slow_seconds, paid))

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
