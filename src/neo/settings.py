"""Every `NEO_*` variable, read once by whoever composes the process and passed down as plain values."""

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from neo.errors import Edge, Failure, Kind
from neo.kit import SecretUnreadableError, guessing_bits, hide, is_secure_url, password_in, read_secret

PREFIX = "NEO_"
# After a secret's variable: the secret stands in the file that is named here. What is in the environment, every child
# process has, and whoever may look at a container reads.
FILE_SUFFIX = "_FILE"
# In any other environment a process does not start with what is for development only.
LENIENT_ENVIRONMENTS = ("local", "test")
# `null` is the origin of every page in a sandbox.
EVERY_ORIGIN = {"*", "null"}
# No machine guesses this much. What people think of has less, a random secret of 32 characters more.
SECRET_BITS_MIN = 80


class SettingsInvalid(Failure):
    """A `NEO_*` variable is unknown or has a wrong value."""

    kind = Kind.INVALID
    code = "settings_invalid"
    remedy = "Correct what the message names; `neo settings` lists all."
    edges = (Edge.COMMAND_LINE,)


class SecretFiles(PydanticBaseSettingsSource):
    """The secrets of a group that are given as files."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return _secret_in_file(os.environ, field_name, field), field_name, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields.items()
        found = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in found.items() if value}


class Group(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library calls it with all of its own.
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, SecretFiles(settings_cls), env_settings


class ServerSettings(Group):
    """Where and how the API listens."""

    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: PositiveInt = Field(8600, description="Port the API listens on.")
    data_dir: str = Field(".neo", description="Folder of the embedded engines' data, secret and first key.")
    environment: str = Field(
        "local",
        pattern="^[a-z0-9]{1,16}$",
        description="The `<env>` in API keys; a key of another one is refused. In `live`, and in all but `local` and "
        "`test`, Neo does not start without a NEO_PUBLIC_URL of https, nor with a weak NEO_SECRET_KEY, with "
        "failpoints, with all origins allowed, or with an Entra address that is not https.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Secret from which all keys are derived: of API keys' HMACs, session tokens, signed URLs and "
        "tenants' secrets. At least 32 characters. During a rotation two, the new one first, separated by a comma. "
        "Embedded engines make one; mandatory otherwise.",
    )
    drain_seconds: PositiveFloat = Field(
        12, description="How long a stop waits for running turns. In a cluster: 60."
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#]+(/[^?#]*)?$",
        description="Where callers reach the API, for URLs in its answers, e.g. `https://neo.example.com`. Unset: "
        "the address where each request arrived, or `localhost` where it was sent there.",
    )
    cors_origins: str = Field("", description="Browser origins that may call the API, separated by commas.")
    rate_limit_requests: NonNegativeInt = Field(
        1200,
        description="Requests a minute and tenant in a sliding window, of which all end users together have three "
        "quarters; the tenant's Admins have a tenth more. 0 for no limit.",
    )
    rate_limit_token_requests: NonNegativeInt = Field(
        120, description="The same for one end user's session token; 0 for no limit of its own."
    )
    turn_queue_max: PositiveInt = Field(
        100, description="Most turns of one session that are open at once, the running one included."
    )
    turn_queue_token_max: NonNegativeInt = Field(
        10,
        description="The same for who posts with an end user's session token; 0 for no limit of its own.",
    )
    turn_queue_tenant_max: NonNegativeInt = Field(
        1000,
        description="Most turns of one tenant that wait for a place, of which end users fill three quarters at most; "
        "the tenant's Admins have a tenth more. 0 for no limit.",
    )
    turn_active_seconds: PositiveFloat = Field(
        1800,
        description="How long one turn is worked on, not counting what it waits for. Then its model is asked once "
        "more, without tools, for what was done.",
    )
    failed_attempts: NonNegativeInt = Field(
        10,
        description="Wrong credentials a minute and address that are answered 401; more are answered 429. 0 for no "
        "limit.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses or networks of your reverse proxies, separated by commas: only their X-Forwarded-For "
        "is believed.",
    )
    connections_max: NonNegativeInt = Field(
        10_000,
        description="Most connections of one API process, twice the tails that it holds: each is a file and some "
        "20 KiB. 0 for no limit. Where a proxy stands before Neo, it says which client has how many.",
    )
    keep_alive_seconds: PositiveInt = Field(
        75,
        description="How long a connection without a request is kept. More than your load balancer keeps its own (60 "
        "seconds is usual): or it sends requests into connections that are just being closed.",
    )
    failpoints: str | None = Field(
        None,
        description="For Neo's own tests: a folder whose files make this process die, wait or break at named points "
        "(src/neo/kit/failpoint.py). Refused unless NEO_ENVIRONMENT is `local` or `test`.",
    )

    @property
    def is_strict(self) -> bool:
        """Whether this may serve customers, so that what is for development only is refused."""
        return self.environment not in LENIENT_ENVIRONMENTS


class LogSettings(Group):
    """What is logged."""

    log_format: Literal["console", "json"] = Field("console", description="`json` for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level shown.")


class TelemetrySettings(Group):
    """Metrics and traces (docs/observability.md)."""

    metrics_port: NonNegativeInt = Field(
        0,
        description="Port of `GET /metrics` for Prometheus, one for each process; never the API's. 0: not served.",
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Address that the metrics listen on; anybody who reaches it can read them."
    )
    otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^/?#]+(/[^?#]*)?$",
        description="OpenTelemetry collector that takes OTLP over HTTP, e.g. `http://127.0.0.1:4318`; traces go to "
        "`/v1/traces` below it. Unset: no traces.",
    )


class DatabaseSettings(Group):
    """PostgreSQL."""

    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL as the application's role, `postgresql+asyncpg://...`: no superuser, no BYPASSRLS, "
        "owner of nothing. Unset: `neo serve` starts its own.",
    )
    database_owner_url: SecretStr | None = Field(
        None, description="The same database as its owner: for migrations and the operator's commands."
    )
    database_connections: int = Field(
        20,
        ge=2,
        description="Most PostgreSQL connections of one process, not counting one for looking up API keys.",
    )


class StreamSettings(Group):
    """Valkey or Redis, and the event streams on it."""

    redis_url: SecretStr | None = Field(
        None, description="Valkey or Redis, `redis://` or `unix://`. Unset: `neo serve` starts its own."
    )
    stream_events: PositiveInt = Field(20_000, description="Newest events kept per session.")
    stream_bytes: PositiveInt = Field(
        8 * 1024 * 1024, description="Memory that one session's kept events may take in Valkey, bytes."
    )
    stream_hours: PositiveInt = Field(
        24, description="How long a session's stream outlives its last event, hours."
    )
    tail_seconds_max: PositiveInt = Field(
        600, description="Longest one tail stays open before it says `retry:`."
    )
    tail_keep_alive_seconds: PositiveFloat = Field(15, description="Between two keep-alive comments.")
    tails_per_process: NonNegativeInt = Field(
        5000,
        description="Most open tails of one API process, which holds 10 KiB for each and up to 256 KiB for one whose "
        "reader is slow. A tenant without any may open one beyond them. 0 for no limit.",
    )
    tails_per_tenant: NonNegativeInt = Field(
        1000,
        description="Most open tails of one tenant in one API process, of which all end users together have three "
        "quarters; the tenant's Admins have a tenth more. 0 for no limit.",
    )
    tails_per_session: NonNegativeInt = Field(250, description="The same for one session; 0 for no limit.")
    tails_per_token: NonNegativeInt = Field(
        5, description="Most open tails of one end user's session token in one API process; 0 for no limit."
    )
    tail_send_seconds: PositiveFloat = Field(
        10,
        le=30,
        description="A tail's reader that takes nothing for this long is cut; any other answer's after 30 seconds.",
    )


class TemporalSettings(Group):
    """Temporal."""

    temporal_address: str | None = Field(
        None, description="Temporal's frontend, `host:port`. Unset: `neo serve` starts its own."
    )
    temporal_namespace: str = Field("default", description="Temporal namespace.")
    temporal_task_queue: str = Field("neo-turn-segments", description="Task queue of the turns.")
    temporal_tls: bool = Field(False, description="Speak TLS to Temporal; Temporal Cloud needs it.")
    temporal_api_key: SecretStr | None = Field(None, description="API key of Temporal Cloud.")
    temporal_after_seconds: NonNegativeFloat = Field(
        30.0,
        description="Seconds after which Temporal hears of a turn whose first segment has not settled; 0: at once.",
    )
    worker_turns: PositiveInt = Field(1000, description="Most turns that one worker runs at once.")
    worker_reserved_share: float = Field(
        0.125,
        ge=0,
        lt=1,
        description="Share of `worker_turns` that is kept for tenants that run none.",
    )


class ModelSettings(Group):
    """Which models answer, and how to reach them."""

    models_file: str | None = Field(
        None,
        description="TOML file of named models, of any provider or server (docs/models.md). With it, agents choose "
        "from these only.",
    )
    model_fast: str | None = Field(
        None,
        description="Model of the FAST tier: a name of NEO_MODELS_FILE, or `provider:name`, e.g. "
        "`openai:gpt-5.4-mini`. Unset: the file's `fast`; on `neo serve`, the small local one.",
    )
    model_smart: str | None = Field(
        None, description="Model of the SMART tier. Unset: the file's `smart`, or the FAST one."
    )
    model_idle_seconds: PositiveFloat = Field(
        30, description="Longest wait between two chunks of a model's answer."
    )
    model_thinking_seconds: PositiveFloat = Field(
        180, description="The same for a model that reasons before it answers, until its first text."
    )
    model_breaker_failures: NonNegativeInt = Field(
        10,
        description="Failed calls in a row (no connection, 5xx, silence) after which a provider in a region is left "
        "alone for 5 to 60 s; 0: never.",
    )
    openai_api_key: SecretStr | None = Field(None, description="Key for `openai:` models.")
    openai_base_url: str | None = Field(None, description="Another address for `openai:` models.")
    openai_region: str = Field("global", description="Recorded with each turn; continuity is bound to it.")
    azure_openai_endpoint: str | None = Field(
        None, description="Endpoint for `azure:` models (the deployment's name)."
    )
    azure_openai_api_key: SecretStr | None = Field(None, description="Key for `azure:` models.")
    azure_openai_api_version: str | None = Field(
        None, description="Dated API version for `azure:` models. Unset: Azure's v1 API."
    )
    azure_openai_region: str = Field("global", description="As NEO_OPENAI_REGION.")
    compatible_base_url: str | None = Field(
        None, description="Base URL for `compatible:` models: any OpenAI-compatible chat completions server."
    )
    compatible_api_key: SecretStr | None = Field(
        None, description="Key for `compatible:` models, if it wants one."
    )
    compatible_region: str = Field("global", description="As NEO_OPENAI_REGION.")
    anthropic_api_key: SecretStr | None = Field(None, description="Key for `anthropic:` models.")
    anthropic_base_url: str | None = Field(None, description="Another address for `anthropic:` models.")
    anthropic_region: str = Field("global", description="As NEO_OPENAI_REGION.")
    local_model_url: str | None = Field(None, description="Server of `local:` models; `neo serve` sets it.")
    scripted_model_url: str | None = Field(
        None,
        description="Server of `scripted:` models (tests, benchmarks); `neo serve` starts it when asked for.",
    )


class EntraSettings(Group):
    """Microsoft Entra ID: whose access tokens are accepted (docs/identity.md)."""

    entra_audience: str | None = Field(
        None,
        description="This server's application (client) id in Entra, the `aud` of v2.0 tokens. Unset: no Entra "
        "token is accepted.",
    )
    entra_client_ids: str = Field(
        "",
        description="Client ids of the applications whose tokens are accepted, separated by commas. Mandatory "
        "with NEO_ENTRA_AUDIENCE.",
    )
    entra_default_role: Literal["none", "Viewer", "User"] = Field(
        "none",
        description="What somebody becomes who signs in for the first time without an app role. Guests of a Microsoft "
        "tenant need an app role whatever this says.",
    )
    entra_scope: str = Field(
        "access_as_user", pattern=r"^[!-~]+$", description="Scope that a token must have (`scp`)."
    )
    entra_metadata_url: str = Field(
        "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration",
        description="OpenID metadata of v2.0, which names issuer and keys. Another host for a national cloud.",
    )
    entra_jwks_url: str | None = Field(
        None, description="Address of the signing keys. Unset: the one in the metadata."
    )
    entra_v1_audience: str | None = Field(
        None,
        description="Accept v1.0 tokens with this `aud` too, e.g. `api://<client id>`. Unset: v2.0 only.",
    )
    entra_v1_issuer: str = Field(
        "https://sts.windows.net/{tenantid}/",
        description="Issuer of v1.0 tokens; `{tenantid}` stands for the tenant's id.",
    )


class EgressSettings(Group):
    """What agents may reach."""

    egress_private: str = Field(
        "",
        description="Private places that connections may reach nevertheless: hosts, `host:port` and networks (CIDR), "
        "separated by commas; plain http is taken for these only. Everything public is reached by https.",
    )


class CallSettings(Group):
    """How much agents may change."""

    writes_hour_company: NonNegativeInt = Field(
        200,
        description="Most calls within any hour that may write, for one end company; sessions of no company count as "
        "one. Then `budget_reached`. 0 for no limit.",
    )
    writes_hour_company_advanced: NonNegativeInt = Field(
        25, description="Those of them whose tool has the tier ADVANCED; 0 for no limit."
    )
    writes_hour_connection: NonNegativeInt = Field(
        1000, description="Most calls within any hour that may write through one connection; 0 for no limit."
    )


class BlobSettings(Group):
    """Where attachments are kept, and how many (docs/operations.md)."""

    blob_url: str | None = Field(
        None,
        description="`az://account/container`, `s3://bucket/prefix`, `gs://bucket/prefix` or `file:///folder`. Unset: "
        "`neo serve` uses a folder of its own; otherwise attachments are refused.",
    )
    blob_endpoint: str | None = Field(
        None,
        description="Another address of the store, for emulators and compatible stores; for Azure with the account "
        "in it. Callers must reach it too.",
    )
    blob_azure_key: SecretStr | None = Field(
        None, description="Key of the Azure storage account. Unset: the machine's own identity."
    )
    blob_s3_key_id: str | None = Field(
        None, description="S3 access key id. Unset: the machine's own identity."
    )
    blob_s3_key: SecretStr | None = Field(None, description="S3 secret access key.")
    blob_s3_region: str = Field("us-east-1", description="S3 region.")
    blob_gcs_key: SecretStr | None = Field(
        None, description="Key of a Google service account, as JSON. Unset: the machine's own identity."
    )
    uploads_unused_max: PositiveInt = Field(
        1000,
        description="Upload grants of one tenant that no message has used yet; its end users may have three "
        "quarters of them, and its Admins a tenth beyond.",
    )
    uploads_unused_per_session: PositiveInt = Field(
        50,
        description="The same of one session: some eight messages' images, so that one chat leaves the others theirs.",
    )
    uploads_per_tenant: PositiveInt = Field(
        16,
        description="Most uploads of one tenant that one API process takes at once into its folder, shared out as the "
        "grants are.",
    )
    uploads_per_process: PositiveInt = Field(
        64,
        description="The same of all tenants: each holds a file and some 200 KiB. A tenth more is for tenants "
        "that have none.",
    )
    storage_bytes_max: NonNegativeInt = Field(
        10 * 1024**3,
        description="Bytes that one tenant's attachments and artifacts may take up; 0 for no limit.",
    )
    upload_hours: PositiveFloat = Field(
        24, description="How long an upload is kept that no message uses, hours."
    )


class RowSettings(Group):
    """How many rows one tenant may have. Its Admins may have a tenth more than its API keys can make."""

    agents_max: NonNegativeInt = Field(500, description="Most agents of one tenant; 0 for no limit.")
    agent_versions_max: NonNegativeInt = Field(
        100, description="Newest versions kept of each agent, 100 kB at most each; 0 keeps all."
    )
    channels_max: NonNegativeInt = Field(500, description="Most channels of one tenant; 0 for no limit.")
    installs_max: NonNegativeInt = Field(10_000, description="Most installs of one channel; 0 for no limit.")
    companies_max: NonNegativeInt = Field(
        20_000, description="Most end companies of one tenant; 0 for no limit."
    )
    agent_connections_max: NonNegativeInt = Field(
        100, description="Most servers that one tenant's agents may call, 300 tools each; 0 for no limit."
    )
    technicians_max: NonNegativeInt = Field(
        2000, description="Most technicians that are added to one tenant's roster; 0 for no limit."
    )
    api_keys_max: NonNegativeInt = Field(
        1000,
        description="Most live API keys of one tenant; 0 for no limit.",
    )
    sessions_max: NonNegativeInt = Field(
        1_000_000,
        description="Most sessions of one tenant, archived ones too, for they are never deleted; several API processes "
        "may pass it by a little. 0 for no limit.",
    )
    session_tokens_max: NonNegativeInt = Field(
        100, description="Most session tokens of one session that have not ended; 0 for no limit."
    )


GROUPS: tuple[type[Group], ...] = (
    ServerSettings,
    LogSettings,
    TelemetrySettings,
    DatabaseSettings,
    StreamSettings,
    TemporalSettings,
    ModelSettings,
    EntraSettings,
    EgressSettings,
    CallSettings,
    BlobSettings,
    RowSettings,
)


@dataclass(frozen=True)
class Settings:
    server: ServerSettings
    log: LogSettings
    telemetry: TelemetrySettings
    database: DatabaseSettings
    streams: StreamSettings
    temporal: TemporalSettings
    models: ModelSettings
    entra: EntraSettings
    egress: EgressSettings
    calls: CallSettings
    blobs: BlobSettings
    rows: RowSettings


def read_settings() -> Settings:
    """The settings of this process. An unknown variable is refused, and the nearest known one is suggested."""
    refuse_unknown(os.environ)
    try:
        settings = Settings(
            ServerSettings(),
            LogSettings(),
            TelemetrySettings(),
            DatabaseSettings(),
            StreamSettings(),
            TemporalSettings(),
            ModelSettings(),
            EntraSettings(),
            EgressSettings(),
            CallSettings(),
            BlobSettings(),
            RowSettings(),
        )
    except ValidationError as error:
        problems = "; ".join(f"{_variable(str(one['loc'][0]))}: {one['msg']}" for one in error.errors())
        raise SettingsInvalid(
            f"Some settings are not valid: {problems}. `neo settings` lists them."
        ) from error
    _refuse_unreadable_urls(settings)
    hide(_secrets_of(settings))
    if settings.server.is_strict:
        _refuse_lenient(settings)
    return settings


def described() -> Iterator[tuple[type[Group], str, FieldInfo]]:
    """Each setting as (group, variable, field)."""
    for group in GROUPS:
        for name, field in group.model_fields.items():
            yield group, _variable(name), field


def file_variable(variable: str, field: FieldInfo) -> str | None:
    """The variable that names a file with this setting; None for what is no secret."""
    return variable + FILE_SUFFIX if "SecretStr" in str(field.annotation) else None


def with_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with secrets in place of the files that hold them, for whoever passes it on."""
    filled = dict(environment)
    for _, variable, field in described():
        name = variable.removeprefix(PREFIX).lower()
        if secret := _secret_in_file(environment, name, field):
            filled[variable] = secret
        filled.pop(file_variable(variable, field) or "", None)
    return filled


def _secret_in_file(environment: Mapping[str, str], name: str, field: FieldInfo) -> str:
    """What the setting's file holds; empty without one."""
    variable = _variable(name)
    of_file = file_variable(variable, field)
    path = environment.get(of_file or "")
    if not of_file or not path:
        return ""
    if environment.get(variable):
        raise SettingsInvalid(f"{variable} and {of_file} are both set: keep one of them.")
    try:
        return read_secret(Path(path))
    except SecretUnreadableError as error:
        raise SettingsInvalid(f"{of_file}: {error}.") from error


def plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def _refuse_unreadable_urls(settings: Settings) -> None:
    """Drivers would quote a part of the password, which they take for a port."""
    for group, variable, field in described():
        name = variable.removeprefix(PREFIX).lower()
        value = next(getattr(one, name) for one in vars(settings).values() if isinstance(one, group))
        if not file_variable(variable, field) or not name.endswith("_url") or value is None:
            continue
        try:
            urlsplit(value.get_secret_value()).port  # noqa: B018 - it is read when it is asked for.
        except ValueError:
            raise SettingsInvalid(
                f"{variable} cannot be read as a URL: in its password write / : @ ? # as %2F %3A %40 %3F %23."
            ) from None


def _secrets_of(settings: Settings) -> Iterator[str]:
    """Each secret, and the password in each URL."""
    for group in vars(settings).values():
        for name in type(group).model_fields:
            value = getattr(group, name)
            text = plain(value) if isinstance(value, SecretStr) else value
            if isinstance(text, str) and (password := password_in(text)):
                yield password
            elif isinstance(value, SecretStr) and text and "://" not in text:
                # During a rotation there are several.
                yield from {text, *text.split(",")}


def _refuse_lenient(settings: Settings) -> None:
    """Refuse what is for development only, in one sentence each."""
    problems = list(_lenient(settings))
    if problems:
        raise SettingsInvalid(f"NEO_ENVIRONMENT is `{settings.server.environment}`. {' '.join(problems)}")


def _lenient(settings: Settings) -> Iterator[str]:
    server, entra = settings.server, settings.entra
    if server.failpoints:
        yield "NEO_FAILPOINTS is for tests: unset it."
    if not server.public_url:
        yield "NEO_PUBLIC_URL must say where callers reach the API: without it, a request's Host header would."
    elif not is_secure_url(server.public_url):
        yield (
            "NEO_PUBLIC_URL must be https, by your proxy that ends TLS: keys and chats would be read on the way. "
            "Only an address of this machine itself may be http."
        )
    if EVERY_ORIGIN & {origin.strip() for origin in server.cors_origins.split(",")}:
        yield "NEO_CORS_ORIGINS allows every page: name your own, such as `https://app.example.com`."
    if any(
        guessing_bits(secret) < SECRET_BITS_MIN
        for secret in (plain(server.secret_key) or "").split(",")
        if secret
    ):
        yield "NEO_SECRET_KEY can be guessed: use a random one, e.g. from `openssl rand -base64 48`."
    issuers = {
        "NEO_ENTRA_METADATA_URL": entra.entra_metadata_url,
        "NEO_ENTRA_JWKS_URL": entra.entra_jwks_url,
        "NEO_ENTRA_V1_ISSUER": entra.entra_v1_issuer,
    }
    for variable, url in issuers.items():
        if url and not url.lower().startswith("https://"):
            yield f"{variable} must be https, also on this machine: whoever answers there is everybody."


def refuse_unknown(environment: Mapping[str, str]) -> None:
    settings = [(variable, field) for _, variable, field in described()]
    known = [variable for variable, _ in settings]
    known += [name for variable, field in settings if (name := file_variable(variable, field))]
    for variable in environment:
        if variable.startswith(PREFIX) and variable not in known:
            near = difflib.get_close_matches(variable, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise SettingsInvalid(f"There is no setting {variable}.{hint} `neo settings` lists them.")


def _variable(field: str) -> str:
    return PREFIX + field.upper()


def default_of(field: FieldInfo) -> Any:
    return "" if field.default is None else field.default
