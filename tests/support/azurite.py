"""Azurite, Microsoft's own emulator of Azure Blob Storage, from npm, in a process of its own."""

import asyncio
import base64
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

import httpx2

from neo.blobs import BlobAccess, BlobLocation, BlobStore
from support.node import installed, node
from support.ports import free_port

FOLDER = Path(__file__).parents[1] / "blobs" / "npm"
UP_SECONDS = 30
# The emulator's account, the same everywhere.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTAINER = "attachments"


@dataclass(frozen=True)
class Azurite:
    endpoint: str
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        return f"az://{ACCOUNT}/{CONTAINER}"

    @property
    def environment(self) -> dict[str, str]:
        return {"NEO_BLOB_URL": self.url, "NEO_BLOB_ENDPOINT": self.endpoint, "NEO_BLOB_AZURE_KEY": KEY}

    def store(self) -> BlobStore:
        access = BlobAccess(endpoint=self.endpoint, azure_key=KEY)
        return BlobStore(BlobLocation.parse(self.url), access)


@asynccontextmanager
async def running_azurite() -> AsyncIterator[Azurite]:
    await installed(FOLDER)
    port = free_port()
    main = "node_modules/azurite/dist/src/blob/main.js"
    flags = ("--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry")
    running = await node(FOLDER, main, "--blobHost", "127.0.0.1", "--blobPort", str(port), *flags)
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    try:
        await _make_container(endpoint)
        yield Azurite(endpoint, running)
    finally:
        if running.returncode is None:
            running.terminate()
        await running.communicate()


async def _make_container(endpoint: str) -> None:
    """As the operator would, once."""
    async with (
        httpx2.AsyncClient(timeout=5, trust_env=False, verify=False) as http,
        asyncio.timeout(UP_SECONDS),
    ):
        while True:
            try:
                answer = await http.put(f"{endpoint}/{CONTAINER}?restype=container", headers=_shared_key())
            except httpx2.TransportError:
                await asyncio.sleep(0.1)
            else:
                assert answer.status_code == 201, answer.text
                return


def _shared_key() -> dict[str, str]:
    """Azure's signature by the account's key, for making the container."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2023-11-03"}
    lines = [f"{name}:{value}" for name, value in headers.items()]
    resource = f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}"
    said = "\n".join(["PUT", *[""] * 11, *lines, resource, "restype:container"])
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), said.encode(), "sha256")).decode()
    return {**headers, "authorization": f"SharedKey {ACCOUNT}:{signature}"}
