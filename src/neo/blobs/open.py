"""Opens the storage library's client for a location."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

from neo.blobs.location import BlobAccess, BlobLocation

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, GCSConfig, ObjectStore, RetryConfig, S3Config

# A caller waits for the answer; by default the library would retry for three minutes.
CALL_TIMEOUT = timedelta(seconds=20)
CONNECT_TIMEOUT = timedelta(seconds=3)
RETRY: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
FOLDER_MODE = 0o700


def open_store(location: BlobLocation, access: BlobAccess) -> "ObjectStore":
    """Connects to nothing yet; a folder is made if it is missing."""
    match location.scheme:
        case "file":
            return _folder(Path(location.name))
        case "az":
            return _azure(location, access)
        case "s3":
            return _s3(location, access)
        case "gs":
            return _gcs(location, access)


def _folder(folder: Path) -> LocalStore:
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    return LocalStore(prefix=folder)


def _azure(location: BlobLocation, access: BlobAccess) -> AzureStore:
    config: AzureConfig = {"account_name": location.account or ""}
    if access.azure_key:
        config["account_key"] = access.azure_key
    if access.endpoint:
        config["endpoint"] = access.endpoint
    return AzureStore(
        location.name,
        prefix=location.prefix,
        config=config,
        client_options=_client(access),
        retry_config=RETRY,
    )


def _s3(location: BlobLocation, access: BlobAccess) -> S3Store:
    config: S3Config = {"region": access.s3_region}
    if access.s3_key_id and access.s3_key:
        config["access_key_id"], config["secret_access_key"] = access.s3_key_id, access.s3_key
    if access.endpoint:
        config["endpoint"] = access.endpoint
    return S3Store(
        location.name,
        prefix=location.prefix,
        config=config,
        client_options=_client(access),
        retry_config=RETRY,
    )


def _gcs(location: BlobLocation, access: BlobAccess) -> GCSStore:
    config: GCSConfig = {}
    if access.gcs_key:
        config["service_account_key"] = access.gcs_key
    if access.endpoint:
        config["base_url"] = access.endpoint
    return GCSStore(
        location.name,
        prefix=location.prefix,
        config=config,
        client_options=_client(access),
        retry_config=RETRY,
    )


def _client(access: BlobAccess) -> "ClientConfig":
    is_plain = (access.endpoint or "").startswith("http://")
    return {"allow_http": is_plain, "connect_timeout": CONNECT_TIMEOUT, "timeout": CALL_TIMEOUT}
