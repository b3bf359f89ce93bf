"""What is outside: servers on this machine's loopback that count who connects, and a DNS of ours."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6, AddressFamily

from aiohttp.abc import AbstractResolver, ResolveResult

HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


@dataclass
class Outside:
    answer: bytes = HELLO
    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def outside(answer: bytes = HELLO, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Outside]:
    one = Outside(answer)
    server = await asyncio.start_server(one.serve, host, port)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()


class Names(AbstractResolver):
    """Answers each question for a name with the next of its answers; the last one stays."""

    def __init__(self, answers: dict[str, Sequence[Sequence[str]]]) -> None:
        self._answers = {name: list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, _: AddressFamily = AF_INET) -> list[ResolveResult]:
        self.asked.append(host)
        given = self._answers.get(host)
        if not given:
            raise OSError(f"{host} is not known")
        addresses = given.pop(0) if len(given) > 1 else given[0]
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        pass


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = AF_INET6 if ":" in address else AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
