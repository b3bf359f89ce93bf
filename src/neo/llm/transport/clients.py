"""One HTTP client for each address of a provider, kept with its connections."""

from urllib.parse import urlsplit

import httpx2

from neo.egress import AiohttpTransport
from neo.kit import is_loopback
from neo.llm.providers import Address, ProviderSettings

# Enough for one worker's turns and for connections that are just being closed.
_CONNECTIONS_MAX = 2_000
# A TLS handshake costs more than an idle connection, and gateways keep theirs for a minute or more.
_KEEP_ALIVE_SECONDS = 30.0
# llama.cpp's server closes idle connections after 5 seconds. A call sent at that moment would be lost.
_KEEP_ALIVE_LOOPBACK_SECONDS = 4.0


class Clients:
    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self._clients: dict[str, httpx2.AsyncClient] = {}

    def client(self, address: Address) -> httpx2.AsyncClient:
        client = self._clients.get(address.base_url)
        if client is None:
            client = self._clients[address.base_url] = _new_client(address, self.settings)
        return client

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()


def _new_client(where: Address, settings: ProviderSettings) -> httpx2.AsyncClient:
    is_here = is_loopback(urlsplit(where.base_url).hostname or "")
    return httpx2.AsyncClient(
        transport=AiohttpTransport(
            connections_max=_CONNECTIONS_MAX,
            keep_alive_seconds=_KEEP_ALIVE_LOOPBACK_SECONDS if is_here else _KEEP_ALIVE_SECONDS,
            # A proxy from the environment cannot reach this machine's own loopback.
            trust_env=not is_here,
        ),
        # Whoever reads an answer times the silence between its deltas. These limits are for everything else.
        timeout=httpx2.Timeout(
            connect=settings.connect_seconds,
            read=max(settings.idle_seconds, settings.thinking_seconds),
            write=settings.idle_seconds,
            pool=settings.connect_seconds,
        ),
    )
