"""Open lines to the providers: one HTTP client for each, kept, and for some the library's model on top of it."""

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2

from neo.kit import is_loopback
from neo.llm.providers import Address, ProviderSettings, address
from neo.llm.responses_place import ResponsesPlace, responses_place
from neo.llm.rests import Rests
from neo.llm.spec import Provider

if TYPE_CHECKING:
    from pydantic_ai.models import Model

# One worker's turns, with room for the tails of those that are just being closed.
_CONNECTIONS_MAX = 2_000
# A TLS handshake costs more than an idle connection, and gateways keep theirs for a minute or more.
_KEEP_SECONDS = 30.0
# llama.cpp's server lets go after 5 seconds; a connection reused in that instant would lose the call.
_KEEP_LOOPBACK_SECONDS = 4.0
# Every agent may name its own model; a model object is small, and rebuilt within a millisecond.
_MODELS_MAX = 256


class Lines:
    def __init__(
        self, settings: ProviderSettings, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self.settings = settings
        self._transport = transport
        self._clients: dict[Provider, httpx2.AsyncClient] = {}
        self._places: dict[Provider, ResponsesPlace] = {}
        self._models: OrderedDict[tuple[Provider, str], Model] = OrderedDict()
        self.rests = Rests()

    async def model(self, provider: Provider, name: str) -> "Model":
        """Built in a thread: the first one of a library imports it, for seconds."""
        model = self._models.get((provider, name))
        if model is None:
            model = await asyncio.to_thread(self._build, provider, name, self.client(provider))
        return self._keep(provider, name, model)

    def open(self, provider: Provider, name: str) -> None:
        """Makes ready what the first call would otherwise make."""
        client = self.client(provider)
        if not provider.speaks_responses:
            self._keep(provider, name, self._build(provider, name, client))

    def client(self, provider: Provider) -> httpx2.AsyncClient:
        client = self._clients.get(provider)
        if client is None:
            where = address(provider, self.settings)
            client = self._clients[provider] = _http_client(where, self.settings, self._transport)
        return client

    def responses_place(self, provider: Provider) -> ResponsesPlace:
        place = self._places.get(provider)
        if place is None:
            where = address(provider, self.settings)
            place = self._places[provider] = responses_place(provider, where, self.settings.azure_api_version)
        return place

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
        self._models.clear()

    def _keep(self, provider: Provider, name: str, model: "Model") -> "Model":
        self._models[provider, name] = model
        self._models.move_to_end((provider, name))
        if len(self._models) > _MODELS_MAX:
            self._models.popitem(last=False)
        return model

    def _build(self, provider: Provider, name: str, client: httpx2.AsyncClient) -> "Model":
        where = address(provider, self.settings)
        if provider in (Provider.ANTHROPIC, Provider.SCRIPTED_ANTHROPIC):
            # Each library is imported only where it is configured: Anthropic's takes another second.
            from neo.llm.anthropic_line import anthropic_model  # noqa: PLC0415

            return anthropic_model(name, where, client)
        from neo.llm.chat_line import chat_model  # noqa: PLC0415

        return chat_model(provider, name, where, client)


def _http_client(
    where: Address, settings: ProviderSettings, transport: httpx2.AsyncBaseTransport | None
) -> httpx2.AsyncClient:
    # A tenth of a second, which a start does not wait for.
    from neo.llm.wire import Wire  # noqa: PLC0415

    is_here = is_loopback(urlsplit(where.base_url).hostname or "")
    return httpx2.AsyncClient(
        transport=transport
        or Wire(
            connections_max=_CONNECTIONS_MAX,
            keep_seconds=_KEEP_LOOPBACK_SECONDS if is_here else _KEEP_SECONDS,
            # A proxy from the environment cannot reach this machine's own loopback.
            trust_env=not is_here,
        ),
        # The silence between chunks is timed where the chunks are read; this is the net below it.
        timeout=httpx2.Timeout(
            connect=settings.connect_seconds,
            read=max(settings.idle_seconds, settings.thinking_seconds),
            write=settings.idle_seconds,
            pool=settings.connect_seconds,
        ),
    )
