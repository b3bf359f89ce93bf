"""Opens the library's store for a place."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

from neo.blobs.place import BlobAccess, BlobPlace

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, GCSConfig, ObjectStore, RetryConfig, S3Config

# Somebody waits for it: the library would try for three minutes.
CALL_TIMEOUT = timedelta(seconds=20)
CONNECT_TIMEOUT = timedelta(seconds=3)
RETRY: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
FOLDER_MODE = 0o700


def open_store(place: BlobPlace, access: BlobAccess) -> "ObjectStore":
    """Nothing is connected yet; a folder is made."""
    match place.scheme:
        case "file":
            return _folder(Path(place.name))
        case "az":
            return _azure(place, access)
        case "s3":
            return _s3(place, access)
        case "gs":
            return _gcs(place, access)


def _folder(folder: Path) -> LocalStore:
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    return LocalStore(prefix=folder)


def _azure(place: BlobPlace, access: BlobAccess) -> AzureStore:
    config: AzureConfig = {"account_name": place.account or ""}
    if access.azure_key:
        config["account_key"] = access.azure_key
    if access.endpoint:
        config["endpoint"] = access.endpoint
    return AzureStore(
        place.name, prefix=place.prefix, config=config, client_options=_client(access), retry_config=RETRY
    )


def _s3(place: BlobPlace, access: BlobAccess) -> S3Store:
    config: S3Config = {"region": access.s3_region}
    if access.s3_key_id and access.s3_key:
        config["access_key_id"], config["secret_access_key"] = access.s3_key_id, access.s3_key
    if access.endpoint:
        config["endpoint"] = access.endpoint
    return S3Store(
        place.name, prefix=place.prefix, config=config, client_options=_client(access), retry_config=RETRY
    )


def _gcs(place: BlobPlace, access: BlobAccess) -> GCSStore:
    config: GCSConfig = {}
    if access.gcs_key:
        config["service_account_key"] = access.gcs_key
    if access.endpoint:
        config["base_url"] = access.endpoint
    return GCSStore(
        place.name, prefix=place.prefix, config=config, client_options=_client(access), retry_config=RETRY
    )


def _client(access: BlobAccess) -> "ClientConfig":
    is_plain = (access.endpoint or "").startswith("http://")
    return {"allow_http": is_plain, "connect_timeout": CONNECT_TIMEOUT, "timeout": CALL_TIMEOUT}
