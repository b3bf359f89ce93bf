"""A line between a process and an engine that a test may cut, stall, slow down, or cut at a word."""

import asyncio
from contextlib import suppress
from pathlib import Path

CHUNK = 65536


class Proxy:
    """Passes everything on, as long as nothing else is asked of it."""

    def __init__(self, upstream: str) -> None:
        """`upstream` is a socket's path, or `host:port`."""
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._word: bytes | None = None
        self._once_said = b""
        self._is_word_passed_on = False
        self.is_cut = False
        self.delay_seconds = 0.0
        self.words_cut = 0

    async def listen(self, path: Path) -> None:
        self._server = await asyncio.start_unix_server(self._accept, path)

    async def listen_on_port(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Drop every connection, and refuse new ones until `mend`."""
        self.is_cut = True
        self._drop_all()

    def stall(self) -> None:
        """Let connections be, and pass nothing on: a half-open line."""
        self._flows.clear()

    def mend(self) -> None:
        self.is_cut = False
        self.delay_seconds = 0.0
        self._word = None
        self._flows.set()

    def cut_at(self, word: bytes, *, once_said: bytes, passed_on: bool) -> None:
        """Cut the connection on which the client says this word after another, once.

        The server may have heard it or not.
        """
        self._word, self._once_said, self._is_word_passed_on = word, once_said, passed_on

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()
        self._drop_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.close()
            return
        try:
            up_reader, up_writer = await self._open()
        except OSError:
            writer.close()
            return
        link = _Link(self, (reader, writer), (up_reader, up_writer))
        for pump in (link.up(), link.down()):
            task = asyncio.ensure_future(pump)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._links |= {writer, up_writer}

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._upstream.startswith("/"):
            return await asyncio.open_unix_connection(self._upstream)
        host, _, port = self._upstream.partition(":")
        return await asyncio.open_connection(host, int(port))

    def _drop_all(self) -> None:
        for writer in self._links:
            writer.transport.abort()
        self._links.clear()

    async def pass_on(self) -> None:
        """What each piece waits for."""
        await self._flows.wait()
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)

    def begins(self, said: bytes) -> bool:
        """Whether the client said here what must come before the word."""
        return self._word is not None and self._once_said in said

    def heard(self, said: bytes) -> bool:
        """Whether the word is in what the client said; it counts once."""
        if self._word is None or self._word not in said:
            return False
        self._word = None
        self.words_cut += 1
        return True

    @property
    def is_word_passed_on(self) -> bool:
        return self._is_word_passed_on


class _Link:
    """One connection, both ways."""

    def __init__(
        self,
        proxy: Proxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._has_begun = False
        self._swallows = False

    async def up(self) -> None:
        is_cut = False
        with suppress(OSError):
            while said := await self._client[0].read(CHUNK):
                await self._proxy.pass_on()
                self._has_begun = self._has_begun or self._proxy.begins(said)
                if self._has_begun and self._proxy.heard(said):
                    if is_cut := not self._proxy.is_word_passed_on:
                        break
                    # The server's answer will be the last that happens on this line.
                    self._swallows = True
                self._server[1].write(said)
                await self._server[1].drain()
        self._end(is_cut=is_cut)

    async def down(self) -> None:
        with suppress(OSError):
            while said := await self._server[0].read(CHUNK):
                await self._proxy.pass_on()
                if self._swallows:
                    break
                self._client[1].write(said)
                await self._client[1].drain()
        self._end(is_cut=self._swallows)

    def _end(self, *, is_cut: bool) -> None:
        for _, writer in (self._client, self._server):
            if is_cut:
                writer.transport.abort()
            else:
                writer.close()
