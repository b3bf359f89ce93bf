"""The library's model objects, one for each model, kept."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

import httpx2
from pydantic_ai.models import Model

from neo.llm.chosen import ChosenModel
from neo.llm.providers import Address, DialectName
from neo.llm.transport.clients import Clients

_Build: TypeAlias = Callable[[str, str, Address, httpx2.AsyncClient], Model]
_Key: TypeAlias = tuple[str, DialectName, str, str]

# Every agent may name a model of its own. A model object is small, and is built again within a millisecond.
_MODELS_MAX = 256


class LibraryModels:
    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._models: OrderedDict[_Key, Model] = OrderedDict()

    async def get(self, chosen: ChosenModel) -> Model:
        key = (chosen.provider, chosen.dialect, chosen.address.base_url, chosen.name)
        model = self._models.get(key)
        if model is None:
            build = await load_sdk(chosen.dialect)
            client = self._clients.client(chosen.address)
            model = build(chosen.provider, chosen.name, chosen.address, client)
        self._keep(key, model)
        return model

    def _keep(self, key: _Key, model: Model) -> None:
        self._models[key] = model
        self._models.move_to_end(key)
        if len(self._models) > _MODELS_MAX:
            self._models.popitem(last=False)


async def load_sdk(dialect: DialectName) -> _Build:
    """Import the provider's SDK in a thread, for the event loop must not wait for it."""
    return await asyncio.to_thread(_builder, dialect)


def _builder(_: DialectName) -> _Build:
    # The SDK takes half a second to import, and most servers do not need it.
    from neo.llm.library.messages_model import messages_model  # noqa: PLC0415 - see above.

    return messages_model
