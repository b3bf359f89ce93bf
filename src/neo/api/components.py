"""The parts of the OpenAPI document that every operation shares."""

from typing import Any

SECURITY_SCHEMES: dict[str, Any] = {
    "bearerAuth": {
        "description": (
            "`Authorization: Bearer <token>` where `<token>` is either a `neo_sk_<env>_<secret>` API key "
            "(service account) or a Microsoft Entra ID access token (dashboard user)."
        ),
        "scheme": "bearer",
        "type": "http",
    }
}

TAGS = [
    {"name": "Meta", "description": "Service metadata — health, OpenAPI."},
    {"name": "Chat", "description": "Sessions, messages, turns and their event streams."},
    {"name": "Agents", "description": "Agents: create, read, change, delete, version history."},
    {
        "name": "Executions",
        "description": "What agents did: list, get, steps, calls, artifacts, cancel, retry.",
    },
    {
        "name": "Channels",
        "description": "CONVERSATIONAL agents bound to a transport, with their branding, and where they are installed.",
    },
    {"name": "Connections", "description": "Servers that agents may call, and which of their tools."},
    {"name": "End companies", "description": "CRUD and bulk-update of the MSP's customers."},
    {"name": "Technicians", "description": "The roster: your own people and their roles."},
    {"name": "API keys", "description": "Keys for server-to-server use. Admin dashboard users only."},
    {
        "name": "Tenant",
        "description": "The tenant that a credential belongs to, and new tenants for the platform.",
    },
    {"name": "Settings", "description": "The tenant's settings."},
    {"name": "Audit log", "description": "What was changed in the tenant, and by whom."},
]

_STRING_OR_NULL = ["string", "null"]

COMPONENTS: dict[str, Any] = {
    "SuccessMeta": {
        "properties": {
            "pagination": {"$ref": "#/components/schemas/Pagination"},
            "request_id": {"format": "uuid", "type": "string"},
            "timings_ms": {"additionalProperties": {"type": "number"}, "type": "object"},
            "warnings": {
                "description": (
                    "Non-fatal warnings about the created/updated resource (e.g. an unhealthy PSA callback), "
                    "and request fields that were ignored."
                ),
                "items": {"type": "string"},
                "type": "array",
            },
        },
        "required": ["request_id", "timings_ms"],
        "type": "object",
    },
    "ErrorEnvelope": {
        "properties": {
            "error": {
                "properties": {
                    "code": {"description": "Stable machine-readable error code.", "type": "string"},
                    "details": {"additionalProperties": True, "type": "object"},
                    "message": {"type": "string"},
                },
                "required": ["code", "message"],
                "type": "object",
            },
            "meta": {
                "properties": {"request_id": {"format": "uuid", "type": _STRING_OR_NULL}},
                "type": "object",
            },
        },
        "required": ["error", "meta"],
        "type": "object",
    },
    "Pagination": {
        "properties": {"has_more": {"type": "boolean"}, "next_cursor": {"type": _STRING_OR_NULL}},
        "required": ["next_cursor", "has_more"],
        "type": "object",
    },
}

_DESCRIPTIONS = {
    400: "Bad request — malformed input.",
    401: "Unauthenticated — missing or invalid credentials.",
    403: "Forbidden — authenticated but not allowed.",
    404: "Not found.",
    409: "Conflict — the resource is in a state that blocks this operation.",
    413: "The body is too large.",
    415: "The body is not JSON in UTF-8.",
    422: "Request validation failed.",
    429: "Rate limited — see Retry-After.",
    500: "Internal server error.",
    503: "Temporarily unavailable — see Retry-After.",
}

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorEnvelope"}}},
        "description": description,
    }
    for status, description in _DESCRIPTIONS.items()
}
