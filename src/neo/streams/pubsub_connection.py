"""One pub/sub connection for many channels, made again whenever it is lost."""

import asyncio
import math
from collections.abc import Callable
from itertools import count, islice
from typing import Any

import structlog

from neo.kit import Backoff
from neo.streams.valkey import StreamsUnavailable, Valkey, driver_errors_mapped

log = structlog.get_logger()

# A connection on which nothing comes may be half open. A PING after each of these while it is idle finds out.
IDLE_SECONDS = 5.0
# Channels per SUBSCRIBE when a connection is made again: keeps one command under 32 KiB.
CHANNELS_PER_COMMAND = 500
RECONNECT_FIRST_SECONDS = 0.05
RECONNECT_MOST_SECONDS = 2.0
# A task that has not ended by then has lost its cancellation.
END_AGAIN_SECONDS = 0.5

OnMessage = Callable[[bytes, bytes], None]
OnChannel = Callable[[bytes], None]


class PubSubConnection:
    """Calls its owner with each message, with each channel that is now subscribed, and when all of them are lost."""

    def __init__(
        self, valkey: Valkey, *, on_message: OnMessage, on_subscribed: OnChannel, on_lost: Callable[[], None]
    ) -> None:
        self._valkey = valkey
        self._on_message = on_message
        self._on_subscribed = on_subscribed
        self._on_lost = on_lost
        self._channels: set[bytes] = set()
        # SUBSCRIBEs not yet confirmed. A channel left and entered again has two, and counts after the last.
        self._unconfirmed: dict[bytes, int] = {}
        self._outbox: list[tuple[bytes, ...]] = []
        self._outbox_filled = asyncio.Event()
        self._pongs: dict[bytes, asyncio.Future[None]] = {}
        self._tokens = count(1)
        self._is_up = False
        self._last_received = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        return self._is_up

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="valkey-pubsub")

    async def aclose(self) -> None:
        if self._task is not None:
            await _end(self._task, again_seconds=END_AGAIN_SECONDS)

    def subscribe(self, channel: bytes) -> None:
        self._channels.add(channel)
        if self._is_up:
            self._send_subscribe([channel])

    def unsubscribe(self, channel: bytes) -> None:
        self._channels.discard(channel)
        if self._is_up:
            self._send(b"UNSUBSCRIBE", channel)

    async def drain(self) -> None:
        """Return when everything published before this call has been passed to the owner."""
        if not self._is_up:
            raise StreamsUnavailable("The event store does not answer.")
        token = b"drain-%d" % next(self._tokens)
        pong = self._pongs[token] = asyncio.get_running_loop().create_future()
        self._send(b"PING", token)
        try:
            with driver_errors_mapped():
                async with asyncio.timeout(self._valkey.answer_seconds):
                    await pong
        finally:
            self._pongs.pop(token, None)

    async def _run(self) -> None:
        backoff = Backoff(first_seconds=RECONNECT_FIRST_SECONDS, most_seconds=RECONNECT_MOST_SECONDS)
        while True:
            connection = self._valkey.new_connection()
            try:
                with driver_errors_mapped():
                    await connection.connect()
                backoff.reset()
                await self._serve(connection)
            except StreamsUnavailable as lost:
                # Logged once for each loss: the attempts to connect again are many.
                if self._is_up:
                    log.warning("valkey_pubsub_lost", reason=type(lost.__cause__).__name__)
            finally:
                self._reset()
                await connection.disconnect(nowait=True)
            await asyncio.sleep(backoff.next_seconds())

    async def _serve(self, connection: Any) -> None:
        loop = asyncio.get_running_loop()
        self._last_received = loop.time()
        self._is_up = True
        self._send_subscribe(list(self._channels))
        sender = loop.create_task(self._send_all(connection), name="valkey-pubsub-sender")
        reader = loop.create_task(self._read_all(connection), name="valkey-pubsub-reader")
        try:
            await asyncio.wait({sender, reader}, return_when=asyncio.FIRST_COMPLETED)
            for task in (reader, sender):
                if task.done():
                    task.result()
        finally:
            # Well before this task is itself cancelled again.
            await _end(sender, reader, again_seconds=END_AGAIN_SECONDS / 10)

    async def _send_all(self, connection: Any) -> None:
        with driver_errors_mapped():
            while True:
                await self._wait_for_commands()
                # In one write: each takes turns of the loop, which are long under load, and readers wait for it.
                commands, self._outbox = self._outbox, []
                async with asyncio.timeout(self._valkey.answer_seconds):
                    await connection.send_packed_command(
                        connection.pack_commands(commands), check_health=False
                    )

    async def _wait_for_commands(self) -> None:
        self._outbox_filled.clear()
        if self._outbox:
            return
        try:
            # Not `wait_for`: in Python 3.11 it may swallow the cancellation that is to end this task.
            async with asyncio.timeout(IDLE_SECONDS):
                await self._outbox_filled.wait()
        except TimeoutError:
            idle_seconds = asyncio.get_running_loop().time() - self._last_received
            if idle_seconds > 2 * IDLE_SECONDS + self._valkey.answer_seconds:
                raise
            self._send(b"PING", b"idle")

    async def _read_all(self, connection: Any) -> None:
        loop = asyncio.get_running_loop()
        with driver_errors_mapped():
            while True:
                message = await connection.read_response(timeout=math.inf, disconnect_on_error=False)
                self._last_received = loop.time()
                self._receive(message)

    def _receive(self, message: Any) -> None:
        # Before the first SUBSCRIBE a PING is answered by its bare text.
        kind, *rest = message if isinstance(message, list) else (b"pong", message)
        if kind == b"message":
            self._on_message(rest[0], rest[1])
        elif kind == b"subscribe":
            self._confirm(rest[0])
        elif kind == b"pong" and (pong := self._pongs.pop(rest[0], None)) and not pong.done():
            pong.set_result(None)

    def _confirm(self, channel: bytes) -> None:
        left = self._unconfirmed.pop(channel, 0) - 1
        if left > 0:
            self._unconfirmed[channel] = left
        elif channel in self._channels:
            self._on_subscribed(channel)

    def _send_subscribe(self, channels: list[bytes]) -> None:
        for channel in channels:
            self._unconfirmed[channel] = self._unconfirmed.get(channel, 0) + 1
        waiting = iter(channels)
        while some := tuple(islice(waiting, CHANNELS_PER_COMMAND)):
            self._send(b"SUBSCRIBE", *some)

    def _send(self, *words: bytes) -> None:
        self._outbox.append(words)
        self._outbox_filled.set()

    def _reset(self) -> None:
        was_up, self._is_up = self._is_up, False
        self._outbox.clear()
        self._unconfirmed.clear()
        for pong in self._pongs.values():
            if not pong.done():
                pong.set_exception(ConnectionError("The connection was lost."))
        self._pongs.clear()
        if was_up:
            self._on_lost()


async def _end(*tasks: asyncio.Task[None], again_seconds: float) -> None:
    """Cancel them until they have ended: the driver uses `wait_for`, which in Python 3.11 may lose a cancellation."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=again_seconds)
    await asyncio.gather(*tasks, return_exceptions=True)
