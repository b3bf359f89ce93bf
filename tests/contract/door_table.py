"""Who may knock at which door: written down here once more, and compared with what the server does."""

from dataclasses import dataclass

Operation = tuple[str, str]

# Open to everybody, or to whoever holds a signed URL, by name.
SIGNED = {("put", "/public-api/blobs/{path}"), ("get", "/public-api/blobs/{path}")}
PUBLIC = {("get", "/public-api/health"), ("get", "/public-api/ready"), *SIGNED}

# The callers that are known to the server; nobody and a revoked key are 401 at every door.
EVERYBODY = frozenset({"account", "platform", "token", "Admin", "User", "Viewer"})
TALKERS = EVERYBODY - {"Viewer"}
OPENERS = TALKERS - {"token"}
READERS = frozenset({"account", "Admin", "User", "Viewer"})
ACTORS = READERS - {"Viewer"}
MANAGERS = frozenset({"account", "Admin"})
GOVERNORS = frozenset({"Admin"})
ASKERS = frozenset({"platform", "Admin"})
RELAY = frozenset({"platform"})

SESSIONS = "/public-api/chat/sessions"
SESSION = f"{SESSIONS}/{{session_id}}"
TOKENS = "/public-api/sessions"
CHANNELS = "/public-api/channels"
CHANNEL = f"{CHANNELS}/{{channel_id}}"
BOT = "/public-api/tenants/{client_id}/bots/{bot_id}"
INSTALL = f"{CHANNEL}/installs/{{end_client_tenant_id}}"
COMPANIES = "/public-api/end-companies"
COMPANY = f"{COMPANIES}/{{psa_company_id}}"
AGENTS = "/public-api/agents"
AGENT = f"{AGENTS}/{{agent_id}}"
TECHNICIANS = "/public-api/technicians"
TECHNICIAN = f"{TECHNICIANS}/{{user_id}}"
KEYS = "/public-api/api-keys"
CONNECTIONS = "/public-api/connections"
CONNECTION = f"{CONNECTIONS}/{{connection_id}}"
STOPS = "/public-api/tool-stops"

EXECUTIONS = "/public-api/executions"
EXECUTION = f"{EXECUTIONS}/{{execution_id}}"

DOORS: dict[Operation, frozenset[str]] = {
    ("post", SESSIONS): OPENERS,
    ("get", SESSIONS): READERS,
    ("get", SESSION): EVERYBODY,
    ("post", f"{SESSION}/messages"): TALKERS,
    ("get", f"{SESSION}/messages"): EVERYBODY,
    ("get", f"{SESSION}/events"): EVERYBODY,
    ("get", f"{SESSION}/turns/{{turn_id}}"): EVERYBODY - {"token"},
    ("post", f"{SESSION}/archive"): OPENERS,
    ("post", f"{SESSION}/reset"): OPENERS,
    ("post", f"{SESSION}/turns/{{turn_id}}/cancel"): TALKERS,
    ("post", f"{SESSION}/attachments/upload-url"): TALKERS,
    ("post", TOKENS): OPENERS,
    ("get", f"{TOKENS}/tokens"): OPENERS,
    ("delete", f"{TOKENS}/tokens"): OPENERS,
    ("delete", f"{TOKENS}/tokens/{{jti}}"): OPENERS,
    ("post", f"{CHANNELS}/resolve"): ASKERS,
    ("post", f"{CHANNELS}/install-events"): RELAY,
    ("post", CHANNELS): MANAGERS,
    ("get", CHANNELS): READERS,
    ("get", CHANNEL): READERS,
    ("patch", CHANNEL): MANAGERS,
    ("delete", CHANNEL): MANAGERS,
    ("get", f"{CHANNEL}/installs"): READERS,
    ("put", INSTALL): MANAGERS,
    ("delete", INSTALL): MANAGERS,
    ("put", BOT): RELAY,
    ("delete", BOT): RELAY,
    ("post", COMPANIES): MANAGERS,
    ("get", COMPANIES): READERS,
    ("post", f"{COMPANIES}/bulk-update"): MANAGERS,
    ("get", COMPANY): READERS,
    ("patch", COMPANY): MANAGERS,
    ("delete", COMPANY): MANAGERS,
    ("post", AGENTS): MANAGERS,
    ("get", AGENTS): READERS,
    ("get", AGENT): READERS,
    ("put", AGENT): MANAGERS,
    ("patch", AGENT): MANAGERS,
    ("delete", AGENT): MANAGERS,
    ("get", "/public-api/models"): MANAGERS,
    ("get", f"{AGENT}/versions"): READERS,
    ("get", f"{AGENT}/versions/{{version}}"): READERS,
    ("get", "/public-api/tenant"): READERS,
    ("post", "/public-api/tenants"): RELAY,
    ("get", "/public-api/settings"): READERS,
    ("put", "/public-api/settings"): MANAGERS,
    ("get", TECHNICIANS): READERS,
    ("post", TECHNICIANS): MANAGERS,
    ("get", TECHNICIAN): READERS,
    ("patch", TECHNICIAN): MANAGERS,
    ("delete", TECHNICIAN): GOVERNORS,
    ("post", KEYS): GOVERNORS,
    ("get", KEYS): GOVERNORS,
    ("post", f"{KEYS}/{{key_id}}/rotate"): GOVERNORS,
    ("delete", f"{KEYS}/{{key_id}}"): GOVERNORS,
    ("get", "/public-api/audit-log"): MANAGERS,
    ("post", CONNECTIONS): MANAGERS,
    ("get", CONNECTIONS): READERS,
    ("get", CONNECTION): READERS,
    ("patch", CONNECTION): MANAGERS,
    ("delete", CONNECTION): MANAGERS,
    ("put", f"{CONNECTION}/secret"): MANAGERS,
    ("post", f"{CONNECTION}/check"): MANAGERS,
    ("get", f"{CONNECTION}/tools"): READERS,
    ("post", f"{CONNECTION}/pin"): MANAGERS,
    ("patch", f"{CONNECTION}/tools/{{name}}"): MANAGERS,
    ("post", f"{AGENT}/tools/explain"): MANAGERS,
    ("put", STOPS): MANAGERS,
    ("get", STOPS): READERS,
    ("delete", f"{STOPS}/{{stop_id}}"): MANAGERS,
    ("get", "/public-api/schemas/tools"): READERS,
    ("get", "/public-api/schemas/toolbox"): READERS,
    ("get", EXECUTIONS): READERS,
    ("get", EXECUTION): READERS,
    ("get", f"{EXECUTION}/steps"): READERS,
    ("get", f"{EXECUTION}/calls/{{call_id}}"): READERS,
    ("post", f"{EXECUTION}/calls/{{call_id}}/resolution"): ACTORS,
    ("post", f"{EXECUTION}/cancel"): ACTORS,
    ("post", f"{EXECUTION}/retry"): ACTORS,
    ("post", f"{AGENT}/run-now"): ACTORS,
    ("get", f"{EXECUTION}/artifacts"): READERS,
    ("get", f"{EXECUTION}/artifacts/{{artifact_id}}"): READERS,
}


@dataclass(frozen=True)
class Door:
    method: str
    path: str
    callers: frozenset[str]

    @property
    def names_an_object(self) -> bool:
        return "{" in self.path

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


EVERY_DOOR = [Door(*operation, callers) for operation, callers in DOORS.items()]
