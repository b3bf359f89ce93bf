"""Runs one program in a cage, from the outside: starts it, feeds it, bounds what it says and how long it takes."""

import asyncio
import json
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from neo.cage import enter
from neo.cage.system_calls import call_filter

ENTER = Path(enter.__file__)
READ_BYTES = 64 * 1024
# What a program that fails says of it; more is nobody's reading.
ERROR_BYTES_MAX = 16 * 1024


class Overrun(Exception):
    """The program took more time, or said more, than it may."""


class CageLacking(Exception):
    """This machine does not give a layer that is required, so the program was not run."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    memory_bytes: int
    processor_seconds: int
    # More than the processor's, for a busy machine.
    wall_seconds: float
    output_bytes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The exit code, or minus the signal that ended it."""

    code: int
    out: bytes = field(repr=False)
    err: bytes = field(repr=False)


NOTHING_TO_DO = Bounds(
    memory_bytes=1024**3, processor_seconds=10, wall_seconds=30, output_bytes=ERROR_BYTES_MAX
)


class Cage:
    def __init__(self, *, layers: Collection[str] = enter.LAYERS, required: Collection[str] = ()) -> None:
        self._layers = layers
        self._required = required

    async def run(self, program: Path, data: bytes, bounds: Bounds) -> Ended:
        """Run the program on these bytes; raises `Overrun` and `CageLacking`."""
        ended = await self._run(str(program), data, bounds, self._required)
        if ended.code == enter.LACKING:
            raise CageLacking(ended.err.decode("utf-8", "replace"))
        return ended

    async def missing(self) -> dict[str, str]:
        """The layers that this machine does not give to this process, each with the reason."""
        ended = await self._run("", b"", NOTHING_TO_DO, ())
        try:
            return dict(json.loads(ended.out))
        except ValueError:
            reason = f"the cage broke with {ended.code}: {ended.err.decode('utf-8', 'replace')}"
            return dict.fromkeys(enter.LAYERS, reason)

    async def lacking(self) -> list[str]:
        """The required layers that this machine does not give."""
        missing = await self.missing() if self._required else {}
        return [layer for layer in self._required if layer in missing]

    async def _run(self, program: str, data: bytes, bounds: Bounds, required: Collection[str]) -> Ended:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(ENTER),
            program,
            self._orders(bounds, required),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={},
            cwd="/",
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(bounds.wall_seconds):
                return await _finished(process, data, bounds)
        except TimeoutError as late:
            raise Overrun("it took too long") from late
        finally:
            await _over(process)

    def _orders(self, bounds: Bounds, required: Collection[str]) -> str:
        return json.dumps(
            {
                "layers": list(self._layers),
                "required": list(required),
                "memory_bytes": bounds.memory_bytes,
                "processor_seconds": bounds.processor_seconds,
                "parent": os.getpid(),
                "filter": call_filter().hex(),
            }
        )


async def _finished(process: asyncio.subprocess.Process, data: bytes, bounds: Bounds) -> Ended:
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - all three are pipes.
    out = asyncio.ensure_future(_read(process.stdout, bounds.output_bytes))
    err = asyncio.ensure_future(_read(process.stderr, ERROR_BYTES_MAX))
    fed = asyncio.ensure_future(_feed(process.stdin, data))
    try:
        await asyncio.gather(out, err, fed)
    finally:
        # A pipe has one reader at a time, and the next one reads it to its end.
        for one in (out, err, fed):
            one.cancel()
        await asyncio.gather(out, err, fed, return_exceptions=True)
    return Ended(await process.wait(), out.result(), err.result())


async def _over(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    # It counts as ended only when its pipes are read to their end, and one that said too much has them full.
    await process.communicate()


async def _read(stream: asyncio.StreamReader, bytes_max: int) -> bytes:
    read = bytearray()
    while part := await stream.read(READ_BYTES):
        read += part
        if len(read) > bytes_max:
            raise Overrun("it said too much")
    return bytes(read)


async def _feed(stdin: asyncio.StreamWriter, data: bytes) -> None:
    # A program need not read all that it is given.
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(data)
        await stdin.drain()
    stdin.close()
