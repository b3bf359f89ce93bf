"""The library's model objects, one for each model, kept."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

import httpx2
from pydantic_ai.models import Model

from neo.llm.providers import Address, Provider, address
from neo.llm.transport.clients import Clients

_Build: TypeAlias = Callable[[Provider, str, Address, httpx2.AsyncClient], Model]

# Every agent may name a model of its own. A model object is small, and is built again within a millisecond.
_MODELS_MAX = 256


class LibraryModels:
    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._models: OrderedDict[tuple[Provider, str], Model] = OrderedDict()

    async def get(self, provider: Provider, name: str) -> Model:
        model = self._models.get((provider, name))
        if model is None:
            build = await load_sdk(provider)
            where = address(provider, self._clients.settings)
            model = build(provider, name, where, self._clients.client(where))
        self._keep(provider, name, model)
        return model

    def _keep(self, provider: Provider, name: str, model: Model) -> None:
        self._models[provider, name] = model
        self._models.move_to_end((provider, name))
        if len(self._models) > _MODELS_MAX:
            self._models.popitem(last=False)


async def load_sdk(provider: Provider) -> _Build:
    """Import the provider's SDK in a thread, for the event loop must not wait for it."""
    return await asyncio.to_thread(_builder, provider)


def _builder(provider: Provider) -> _Build:
    # Each SDK takes half a second to import, and most servers need one of them at most.
    if provider in (Provider.ANTHROPIC, Provider.SCRIPTED_ANTHROPIC):
        from neo.llm.library.messages_model import messages_model  # noqa: PLC0415 - see above.

        return messages_model
    from neo.llm.library.chat_completions_model import chat_completions_model  # noqa: PLC0415 - see above.

    return chat_completions_model
