"""One stream straight from the scripted model during a load: what is late here already is not Neo's doing."""

import asyncio
import json
import re
from time import perf_counter
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bench.event_counter import EventCounter
from bench.figures import Figure
from bench.http_connection import HttpConnection, request
from bench.neo import Neo

TEXT = re.compile(rb'"response.output_text.delta".*?"delta":"([^"]*)"')


class Probe:
    """Asks the model again and again until the load has ended; `ends_ms` says how long each answer took."""

    def __init__(self, neo: Neo, model: str) -> None:
        self._port = urlsplit(neo.addresses["scripted_model_url"]).port or 0
        body = {"model": model, "input": "Hello", "stream": True}
        self._request = request("POST", "/v1/responses", body=json.dumps(body).encode())
        self._asking: asyncio.Task[None] | None = None
        self.ends_ms: list[float] = []

    async def __aenter__(self) -> Self:
        self._asking = asyncio.create_task(self._ask())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def figure(self, name: str) -> Figure:
        return Figure(name, "ms", self.ends_ms, "one stream, asked again and again during the load")

    async def _ask(self) -> None:
        connection = await HttpConnection.open(self._port)
        while True:
            began = perf_counter()
            await connection.listen(self._request, EventCounter(TEXT).receive)
            self.ends_ms.append((perf_counter() - began) * 1000)
