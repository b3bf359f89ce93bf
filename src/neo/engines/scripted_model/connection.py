"""One HTTP answer on its connection, which can also be broken in ways that no well-behaved server breaks one."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from itertools import count

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TRANSPORT = "neo.transport"
_NUMBERS = count(1)

# Closing a socket that lingers for 0 seconds sends RST instead of FIN.
_NO_LINGER = struct.pack("ii", 1, 0)
# A reset makes the peer's kernel discard what is not read yet, so the tokens before it get a moment.
_BEFORE_RESET_SECONDS = 0.05


class TransportProtocol(HttpToolsProtocol):
    """Hands the connection's transport to the application: ASGI alone cannot break a connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._number = next(_NUMBERS)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: {"transport": self.transport, "number": self._number}}


class Connection:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        extension = scope["extensions"][_TRANSPORT]
        self._transport: asyncio.Transport = extension["transport"]
        self._number: int = extension["number"]
        self._receive = receive
        self._send = send
        self.is_broken = False

    @property
    def number(self) -> int:
        """The same for all requests on one connection, and no other's."""
        return self._number

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def send(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self, body: bytes = b"") -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def close(self) -> None:
        self.is_broken = True
        self._transport.close()
        await self.gone()

    async def reset(self) -> None:
        self.is_broken = True
        await asyncio.sleep(_BEFORE_RESET_SECONDS)
        connected: socket.socket = self._transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()
        await self.gone()

    async def gone(self) -> None:
        """Returns when the client, or the server itself, has closed the connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
