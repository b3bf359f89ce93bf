"""One way to use four kinds of store."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from neo.blobs import (
    BlobAccess,
    BlobChanged,
    BlobLocation,
    BlobNotFound,
    BlobStore,
    BlobStoreUnavailable,
    BlobUrlInvalid,
)
from support.azurite import ACCOUNT, CONTAINER, KEY, Azurite

PNG = {"x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": "image/png"}


@pytest.fixture(params=["folder", "azurite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return BlobStore(BlobLocation.parse(f"file://{tmp_path}/blobs"), BlobAccess())
    azurite: Azurite = request.getfixturevalue("azurite")
    return azurite.store()


def path() -> str:
    return f"tenant/session/{uuid4()}"


async def upload(store: BlobStore, at: str, data: bytes) -> None:
    """As a client does: by the store's own URL, or through Neo into its folder."""
    if store.signs:
        url = await store.signed_url("PUT", at, seconds=60)
        async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
            assert (await http.put(url, headers=PNG, content=data)).status_code == 201
        return
    async with store.incoming(at) as incoming:
        await incoming.write(data)
        await incoming.keep()


async def test_what_is_put_is_read_back_whole_or_in_part(store: BlobStore) -> None:
    at = path()

    assert await store.put_new(at, b"x" * 200_000, mime="image/png")

    whole, beginning = await store.read(at, bytes_max=300_000), await store.read(at, bytes_max=1000)
    assert (whole.size, whole.data) == (200_000, b"x" * 200_000)
    assert (beginning.size, beginning.data, beginning.etag) == (200_000, b"x" * 1000, whole.etag)
    assert whole.etag


async def test_what_is_never_to_change_is_put_once(store: BlobStore) -> None:
    at = path()
    await store.put_new(at, b"first", mime="image/png")

    assert not await store.put_new(at, b"second", mime="image/png")
    assert (await store.read(at, bytes_max=10)).data == b"first"


async def test_an_etag_pins_a_version(store: BlobStore) -> None:
    at = path()
    await upload(store, at, b"first")
    pinned = (await store.read(at, bytes_max=10)).etag
    assert (await store.read(at, bytes_max=10, etag=pinned)).data == b"first"

    await upload(store, at, b"other")

    with pytest.raises(BlobChanged):
        await store.read(at, bytes_max=10, etag=pinned)


async def test_an_empty_one_is_read_as_empty(store: BlobStore) -> None:
    at = path()
    await upload(store, at, b"")

    found = await store.read(at, bytes_max=10)

    assert (found.size, found.data) == (0, b"")


async def test_what_is_deleted_or_never_was_is_not_found(store: BlobStore) -> None:
    at = path()
    await upload(store, at, b"bytes")

    await store.delete(at)
    await store.delete(at)

    with pytest.raises(BlobNotFound):
        await store.read(at, bytes_max=10)


@pytest.mark.parametrize("at", ["a/../../etc/passwd", "../x", "a//../b"])
async def test_g1_no_path_leads_out_of_the_store(tmp_path: Path, at: str) -> None:
    store = BlobStore(BlobLocation.parse(f"file://{tmp_path}/blobs"), BlobAccess())
    (tmp_path / "x").write_text("outside")

    with pytest.raises((ValueError, BlobStoreUnavailable, BlobNotFound)):
        await store.read(at, bytes_max=10)


async def test_a_folder_is_its_owners_alone(tmp_path: Path) -> None:
    store = BlobStore(BlobLocation.parse(f"file://{tmp_path}/blobs"), BlobAccess())

    await upload(store, path(), b"bytes")

    assert stat.S_IMODE((tmp_path / "blobs").stat().st_mode) == 0o700


@pytest.mark.parametrize("url", ["s3://bucket", f"az://{ACCOUNT}/{CONTAINER}"])
async def test_a_store_that_is_away_is_told_as_such(url: str) -> None:
    access = BlobAccess(endpoint="http://127.0.0.1:1", s3_key_id="id", s3_key="key", azure_key=KEY)
    store = BlobStore(BlobLocation.parse(url), access)

    with pytest.raises(BlobStoreUnavailable):
        await store.read("a/b", bytes_max=10)


async def test_g11_azures_url_takes_one_blob_and_nothing_else(azurite: Azurite) -> None:
    store, at = azurite.store(), path()
    url = await store.signed_url("PUT", at, seconds=600)
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        other = await http.put(url.replace(at, path()), headers=PNG, content=b"bytes")
        unnamed = await http.put(url, content=b"bytes")
        put = await http.put(url, headers=PNG, content=b"bytes")
        again = await http.put(url, headers=PNG, content=b"other")
        read = await http.get(url)
        deleted = await http.delete(url)
        listed = await http.get(
            f"{url.partition('/tenant/')[0]}?restype=container&comp=list&{urlsplit(url).query}"
        )

    assert (put.status_code, again.status_code) == (201, 201)
    assert [one.status_code for one in (other, read, deleted, listed)] == [403] * 4
    assert unnamed.status_code == 400
    assert (await store.read(at, bytes_max=10)).data == b"other"


async def test_g11_azures_url_expires(azurite: Azurite) -> None:
    url = await azurite.store().signed_url("PUT", path(), seconds=1)
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        expired = parse_qs(urlsplit(url).query)["se"][0]
        late = await http.put(url.replace(url.split("se=")[1][:4], "2020"), headers=PNG, content=b"x")

    assert expired
    assert late.status_code == 403


async def test_azures_reading_url_reads_with_the_type_that_was_stored(azurite: Azurite) -> None:
    store, at = azurite.store(), path()
    await store.put_new(at, b"bytes", mime="image/png")
    url = await store.signed_url("GET", at, seconds=600)
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        read = await http.get(url)
        written = await http.put(url, headers=PNG, content=b"x")

    assert (read.content, read.headers["content-type"]) == (b"bytes", "image/png")
    assert read.headers["content-disposition"] == "attachment"
    assert written.status_code == 403


async def test_s3_signs_in_its_own_form() -> None:
    access = BlobAccess(s3_key_id="AKID", s3_key="secret", s3_region="eu-west-1")
    store = BlobStore(BlobLocation.parse("s3://bucket/some/prefix"), access)

    url = urlsplit(await store.signed_url("PUT", "tenant/session/1", seconds=600))

    query = parse_qs(url.query)
    assert url.path == "/bucket/some/prefix/tenant/session/1"
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["600"]
    assert query["X-Amz-Credential"][0].startswith("AKID/")
    assert "eu-west-1" in query["X-Amz-Credential"][0]


async def test_gcs_signs_in_its_own_form() -> None:
    private = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = {"client_email": "neo@example.iam", "private_key": private.decode(), "private_key_id": "1"}
    store = BlobStore(BlobLocation.parse("gs://bucket"), BlobAccess(gcs_key=json.dumps(key)))

    url = urlsplit(await store.signed_url("PUT", "tenant/session/1", seconds=600))

    query = parse_qs(url.query)
    assert (url.hostname, url.path) == ("storage.googleapis.com", "/bucket/tenant/session/1")
    assert query["X-Goog-Algorithm"] == ["GOOG4-RSA-SHA256"]
    assert query["X-Goog-Expires"] == ["600"]


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("az://account/container", BlobLocation("az", "container", None, "account")),
        ("az://account/container/a/b", BlobLocation("az", "container", "a/b", "account")),
        ("s3://bucket", BlobLocation("s3", "bucket")),
        ("s3://bucket/a/", BlobLocation("s3", "bucket", "a")),
        ("gs://bucket/a", BlobLocation("gs", "bucket", "a")),
        ("file:///var/lib/neo%20blobs", BlobLocation("file", "/var/lib/neo blobs")),
    ],
)
def test_a_location_is_read_from_its_url(url: str, location: BlobLocation) -> None:
    assert BlobLocation.parse(url) == location


@pytest.mark.parametrize(
    "url",
    ["", "az://account", "s3://", "file://host/path", "file:///", "http://x/y", "s3://b/../c", "s3://b?x=1"],
)
def test_a_location_that_is_none_is_refused_with_the_forms(url: str) -> None:
    with pytest.raises(BlobUrlInvalid, match="az://account/container"):
        BlobLocation.parse(url)


@pytest.mark.parametrize("show", [repr, str])
def test_keys_do_not_show_themselves(show: Callable[[object], str]) -> None:
    access = BlobAccess(azure_key="hidden", s3_key="hidden", gcs_key="hidden")

    assert "hidden" not in show(access)
