"""Who may do what."""

from enum import StrEnum

from neo.access.errors import CallerNotAllowed
from neo.access.principal import CallerKind, Principal, Role


class Right(StrEnum):
    """What a route does; the value completes the sentence that refuses it."""

    OPEN_SESSION = "open sessions"
    LIST_SESSIONS = "list sessions"
    READ_SESSION = "read this session"
    READ_TURN = "read turns"
    TALK = "post to sessions"
    STOP_TURN = "stop turns"
    CLOSE_SESSION = "close sessions"
    READ_EXECUTION = "read executions"
    CHANGE_EXECUTION = "cancel or retry executions, or resolve their calls"
    RUN_AGENT = "run agents"
    MINT_TOKEN = "mint, list or revoke session tokens"  # noqa: S105 - a right, no secret.
    VIEW_TENANT = "read the tenant's setup"
    MANAGE_TENANT = "change the tenant's setup"
    MANAGE_TOOLS = "change connections and their tools"
    LIST_MODELS = "list the models of agents"
    GOVERN = "manage API keys and roles"
    READ_AUDIT = "read the audit log"
    EXPLAIN_ROUTE = "resolve routes"
    RELAY = "act as the platform's relay"


_CHAT = {
    Right.OPEN_SESSION,
    Right.READ_SESSION,
    Right.READ_TURN,
    Right.TALK,
    Right.STOP_TURN,
    Right.CLOSE_SESSION,
    Right.MINT_TOKEN,
}
_READ = {Right.LIST_SESSIONS, Right.READ_SESSION, Right.READ_TURN, Right.READ_EXECUTION, Right.VIEW_TENANT}
_ACT = {Right.CHANGE_EXECUTION, Right.RUN_AGENT}
_MANAGE = {Right.VIEW_TENANT, Right.MANAGE_TENANT, Right.MANAGE_TOOLS, Right.LIST_MODELS, Right.READ_AUDIT}

RIGHTS: dict[CallerKind | Role, frozenset[Right]] = {
    CallerKind.SERVICE_ACCOUNT: frozenset(_CHAT | _READ | _ACT | _MANAGE),
    CallerKind.PLATFORM: frozenset(_CHAT | {Right.EXPLAIN_ROUTE, Right.RELAY}),
    CallerKind.END_USER: frozenset({Right.READ_SESSION, Right.TALK, Right.STOP_TURN}),
    Role.ADMIN: frozenset(_CHAT | _READ | _ACT | _MANAGE | {Right.GOVERN, Right.EXPLAIN_ROUTE}),
    Role.USER: frozenset(_CHAT | _READ | _ACT),
    Role.VIEWER: frozenset(_READ),
}

# What a technician minted ends when they may not mint any more; the database is told who may.
MINTING_ROLES = [role.value for role in Role if Right.MINT_TOKEN in RIGHTS[role]]
# What a technician may upload ends when they may not post any more.
TALKING_ROLES = [role.value for role in Role if Right.TALK in RIGHTS[role]]

_WHO = {
    CallerKind.SERVICE_ACCOUNT: "An API key",
    CallerKind.PLATFORM: "A platform service account",
    CallerKind.END_USER: "A session token",
    Role.ADMIN: "The role Admin",
    Role.USER: "The role User",
    Role.VIEWER: "The role Viewer",
}


def check_right(caller: Principal, right: Right) -> None:
    who = caller.role or caller.kind
    if right not in RIGHTS[who]:
        raise CallerNotAllowed(f"{_WHO[who]} may not {right.value}.")
