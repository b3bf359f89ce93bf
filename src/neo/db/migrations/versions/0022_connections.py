"""Connections: servers that a tenant's agents may call, and their tools, each with what somebody has said yes to."""

from alembic import op

revision = "0022"
down_revision = "0021"

TABLES = """
ALTER TABLE agents ADD COLUMN toolbox jsonb NOT NULL DEFAULT '{}';
CREATE TABLE connections (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('MCP_HTTP', 'HTTP_API')),
    url text NOT NULL,
    audience text NOT NULL CHECK (audience IN ('MSP', 'END_USER')),
    is_untrusted boolean NOT NULL DEFAULT false,
    auth jsonb NOT NULL DEFAULT '{"type": "NONE"}',
    secret_id uuid,
    secret_expires_at timestamptz,
    company_places jsonb NOT NULL DEFAULT '{}',
    is_disabled boolean NOT NULL DEFAULT false,
    health text NOT NULL DEFAULT 'DOWN' CHECK (health IN ('OK', 'NEEDS_AUTH', 'DOWN')),
    checked_at timestamptz,
    last_success_at timestamptz,
    last_error_at timestamptz,
    last_error_code text,
    last_error_message text,
    failures integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    protocol text,
    is_cut boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name),
    FOREIGN KEY (tenant_id, secret_id) REFERENCES secrets (tenant_id, id)
);
CREATE INDEX connections_due_idx ON connections (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE connection_tools (
    tenant_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    name text NOT NULL,
    listed jsonb,
    listed_digest text,
    problem text,
    pinned jsonb,
    pinned_digest text,
    pinned_at timestamptz,
    pinned_by uuid,
    state text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN listed_digest IS NULL THEN 'GONE'
             WHEN pinned_digest IS NULL THEN 'NEW'
             WHEN pinned_digest = listed_digest THEN 'PINNED'
             ELSE 'CHANGED' END) STORED,
    effect text CHECK (effect IN ('READ', 'KEYED', 'WRITE')),
    gate text CHECK (gate IN ('NEVER', 'ALWAYS', 'WHEN')),
    gate_when jsonb,
    tier text CHECK (tier IN ('BASIC', 'STANDARD', 'ADVANCED')),
    timeout_seconds integer CHECK (timeout_seconds BETWEEN 1 AND 60),
    probe_tool text,
    keyed_by text CHECK (keyed_by IN ('HEADER', 'META', 'ARGUMENT')),
    key_argument text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection_id, name),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id) ON DELETE CASCADE
);
"""
POLICIES = """
ALTER TABLE connections ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE connection_tools ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON connections
    USING (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid);
CREATE POLICY tenant ON connection_tools
    USING (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid);
CREATE POLICY owner_reads ON connections FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_takes ON connections FOR UPDATE TO CURRENT_USER USING (true);
"""


def upgrade() -> None:
    for script in (TABLES, POLICIES):
        # The library prepares what it executes, and that takes one statement at a time.
        op.execute(f"DO $$ BEGIN {script} END $$")
