"""Stops of tools, and which company a call was dispatched for."""

from alembic import op

revision = "0025"
down_revision = "0024"

TABLES = """
ALTER TABLE tool_calls ADD COLUMN end_company_id text;
CREATE INDEX tool_calls_running_idx ON tool_calls (tenant_id) WHERE status = 'RUNNING';
CREATE INDEX tool_calls_company_writes_idx ON tool_calls (tenant_id, end_company_id, dispatched_at)
    WHERE effect <> 'READ' AND dispatched_at IS NOT NULL;
CREATE INDEX tool_calls_connection_writes_idx ON tool_calls (tenant_id, connection_id, dispatched_at)
    WHERE effect <> 'READ' AND dispatched_at IS NOT NULL;
CREATE TABLE tool_stops (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    scope text NOT NULL CHECK (scope IN ('TENANT', 'COMPANY', 'AGENT', 'CONNECTION', 'TOOL')),
    scope_id text NOT NULL,
    tool text NOT NULL DEFAULT '',
    writes_only boolean NOT NULL,
    set_by_kind text NOT NULL,
    set_by uuid NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, scope, scope_id, tool)
);
"""
POLICIES = """
ALTER TABLE tool_stops ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tool_stops
    USING (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid);
"""


def upgrade() -> None:
    for script in (TABLES, POLICIES):
        # The library prepares what it executes, and that takes one statement at a time.
        op.execute(f"DO $$ BEGIN {script} END $$")
