"""What lives as long as the process: opened once, shared by API and worker, closed in reverse order."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from neo.access import EntraRules, EntraVerifier, KeyFormat, KeySource, Role, SigningKeys
from neo.attachments import OrphanSweeper
from neo.blobs import BlobAccess, BlobLocation, BlobStore
from neo.calls import ArtifactSweeper
from neo.connections import Servers
from neo.db import Database
from neo.egress import Egress, Listed
from neo.errors import Edge, Failure, Kind
from neo.events import EventLog
from neo.kit import is_secure_url
from neo.llm import ModelEntry, Models, ModelsFile, ModelSpec, ProviderSettings, read_models_file, resolved
from neo.settings import BlobSettings, EgressSettings, ModelSettings, Settings, plain
from neo.streams import Valkey
from neo.turns.end import TurnEnder
from neo.turns.leases.places import Places
from neo.turns.sweep import Sweeper
from neo.turns.temporal.connect import TemporalConnection

SECRET_CHARACTERS_MIN = 32


class NotConfigured(Failure):
    """`neo api` or `neo worker` lacks an address, the secret or a model, or its Microsoft Entra ID settings
    are not whole or not safe.
    """

    kind = Kind.INVALID
    code = "not_configured"
    remedy = "Set what the message names."
    edges = (Edge.COMMAND_LINE,)


@dataclass(frozen=True)
class Resources:
    database: Database
    valkey: Valkey
    temporal: TemporalConnection
    events: EventLog
    models: Models
    places: Places
    ender: TurnEnder
    sweeper: Sweeper
    blobs: BlobStore | None
    orphans: OrphanSweeper
    artifact_sweeper: ArtifactSweeper
    egress: Egress
    servers: Servers

    async def aclose(self) -> None:
        await self.egress.aclose()
        await self.models.aclose()
        await self.valkey.aclose()
        await self.database.aclose()


def open_resources(settings: Settings) -> Resources:
    """Open everything without connecting: every engine may come up later, or go down and come back."""
    database = Database(
        _needed(plain(settings.database.database_url), "NEO_DATABASE_URL"),
        connections_max=settings.database.database_connections,
    )
    valkey = Valkey(_needed(plain(settings.streams.redis_url), "NEO_REDIS_URL"))
    temporal = TemporalConnection(
        _needed(settings.temporal.temporal_address, "NEO_TEMPORAL_ADDRESS"),
        settings.temporal.temporal_namespace,
        tls=settings.temporal.temporal_tls,
        api_key=plain(settings.temporal.temporal_api_key),
    )
    events = EventLog(
        valkey,
        events_kept=settings.streams.stream_events,
        kept_seconds=settings.streams.stream_hours * 3600,
        kept_bytes=settings.streams.stream_bytes,
    )
    ender = TurnEnder(database, events)
    sweeper = Sweeper(database, valkey, ender)
    blobs = blob_store(settings.blobs)
    egress = open_egress(settings.egress)
    return Resources(
        database,
        valkey,
        temporal,
        events,
        open_models(settings.models),
        Places(settings.temporal.worker_turns, settings.temporal.worker_reserved_share),
        ender,
        sweeper,
        blobs,
        OrphanSweeper(database, blobs, timedelta(hours=settings.blobs.upload_hours)),
        ArtifactSweeper(database, blobs),
        egress,
        Servers(egress),
    )


def open_egress(settings: EgressSettings) -> Egress:
    """The way to addresses that tenants name."""
    try:
        return Egress(Listed.parse(settings.egress_private))
    except ValueError as error:
        raise NotConfigured(f"NEO_EGRESS_PRIVATE: {error}") from error


def key_format(settings: Settings) -> KeyFormat:
    return KeyFormat(settings.server.environment)


def secret_keys(settings: Settings) -> tuple[str, ...]:
    """The secrets that pepper and signatures derive from: two during a rotation, of which the first signs."""
    secrets = tuple(_needed(plain(settings.server.secret_key), "NEO_SECRET_KEY").split(","))
    if any(len(secret) < SECRET_CHARACTERS_MIN for secret in secrets):
        raise NotConfigured(
            f"NEO_SECRET_KEY needs at least {SECRET_CHARACTERS_MIN} characters: a random secret."
        )
    return secrets


def default_role(settings: Settings) -> Role | None:
    """What somebody becomes who signs in without an app role."""
    wanted = settings.entra.entra_default_role
    return None if wanted == "none" else Role(wanted)


def entra_verifier(settings: Settings) -> EntraVerifier | None:
    """The verifier of Microsoft Entra ID's tokens; None when this server accepts none."""
    entra = settings.entra
    if not entra.entra_audience:
        return None
    applications = [one.strip() for one in entra.entra_client_ids.split(",") if one.strip()]
    if not applications:
        raise NotConfigured(
            "NEO_ENTRA_AUDIENCE is set without NEO_ENTRA_CLIENT_IDS: name the applications that may call."
        )
    rules = EntraRules(
        audience=_client_id(entra.entra_audience, "NEO_ENTRA_AUDIENCE"),
        client_ids=frozenset(_client_id(one, "NEO_ENTRA_CLIENT_IDS") for one in applications),
        scope=entra.entra_scope,
        v1_audience=entra.entra_v1_audience,
        v1_issuer=entra.entra_v1_issuer,
    )
    metadata_url = _secure_url(entra.entra_metadata_url, "NEO_ENTRA_METADATA_URL")
    jwks_url = entra.entra_jwks_url and _secure_url(entra.entra_jwks_url, "NEO_ENTRA_JWKS_URL")
    return EntraVerifier(
        rules, SigningKeys(KeySource(metadata_url, jwks_url, trusts_loopback=not settings.server.is_strict))
    )


def _client_id(value: str, variable: str) -> str:
    try:
        return str(UUID(value))
    except ValueError as error:
        raise NotConfigured(f"{variable}: a client id in Entra is a GUID.") from error


def _secure_url(url: str, variable: str) -> str:
    if not is_secure_url(url):
        raise NotConfigured(f"{variable} must be https; http is for this machine's own addresses only.")
    return url


def blob_store(settings: BlobSettings) -> BlobStore | None:
    """The store of attachments; None when this server has none."""
    if not settings.blob_url:
        return None
    access = BlobAccess(
        endpoint=settings.blob_endpoint,
        azure_key=plain(settings.blob_azure_key),
        s3_key_id=settings.blob_s3_key_id,
        s3_key=plain(settings.blob_s3_key),
        s3_region=settings.blob_s3_region,
        gcs_key=plain(settings.blob_gcs_key),
    )
    return BlobStore(BlobLocation.parse(settings.blob_url), access)


def open_models(settings: ModelSettings) -> Models:
    """The models that tiers and agents name, without a call of any. Keys are fetched once, here."""
    providers = provider_settings(settings)
    if settings.models_file is None:
        fast = settings.model_fast or settings.model_smart
        if fast is None:
            raise NotConfigured("No model is configured: set NEO_MODEL_FAST, e.g. to `openai:gpt-5.4-mini`.")
        return Models(ModelSpec.parse(fast), ModelSpec.parse(settings.model_smart or fast), providers)
    file = read_models_file(settings.models_file)
    listed = resolved(file, providers, os.environ)
    smart = settings.model_smart or file.smart
    fast = settings.model_fast or file.fast or smart
    if fast is None:
        raise NotConfigured(
            f"No model is for the FAST tier: set NEO_MODEL_FAST to a name of {file.path}, or call a model `fast`."
        )
    return Models(
        _named("NEO_MODEL_FAST", fast, listed, file),
        _named("NEO_MODEL_SMART", smart or fast, listed, file),
        providers,
        listed,
    )


def provider_settings(settings: ModelSettings) -> ProviderSettings:
    return ProviderSettings(
        openai_api_key=plain(settings.openai_api_key),
        openai_base_url=settings.openai_base_url,
        openai_region=settings.openai_region,
        azure_endpoint=settings.azure_openai_endpoint,
        azure_api_key=plain(settings.azure_openai_api_key),
        azure_api_version=settings.azure_openai_api_version,
        azure_region=settings.azure_openai_region,
        compatible_base_url=settings.compatible_base_url,
        compatible_api_key=plain(settings.compatible_api_key),
        compatible_region=settings.compatible_region,
        anthropic_api_key=plain(settings.anthropic_api_key),
        anthropic_base_url=settings.anthropic_base_url,
        anthropic_region=settings.anthropic_region,
        local_model_url=settings.local_model_url,
        scripted_model_url=settings.scripted_model_url,
        idle_seconds=settings.model_idle_seconds,
        thinking_seconds=settings.model_thinking_seconds,
        breaker_failures=settings.model_breaker_failures,
    )


def _named(
    variable: str, name: str, listed: Mapping[str, ModelEntry], file: ModelsFile
) -> ModelEntry | ModelSpec:
    if name in listed:
        return listed[name]
    if ":" not in name:
        known = ", ".join(sorted(listed))
        raise NotConfigured(f"{variable} is `{name}`, which {file.path} does not name. It has: {known}.")
    return ModelSpec.parse(name)


def _needed(value: str | None, variable: str) -> str:
    if not value:
        raise NotConfigured(
            f"{variable} is not set. `neo serve` starts an engine of its own; this command needs one."
        )
    return value
