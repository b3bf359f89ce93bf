"""Artifacts: what calls brought, kept whole for a time."""

from alembic import op

revision = "0024"
down_revision = "0023"

TABLES = """
CREATE TABLE artifacts (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    turn_id uuid NOT NULL,
    call_id text,
    title text NOT NULL,
    filename text NOT NULL,
    mime text NOT NULL,
    size_bytes bigint NOT NULL,
    digest bytea NOT NULL,
    blob_path text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES chat_turns (tenant_id, id),
    FOREIGN KEY (tenant_id, call_id) REFERENCES tool_calls (tenant_id, id)
);
CREATE INDEX artifacts_turn_idx ON artifacts (turn_id, created_at, id);
CREATE INDEX artifacts_kept_idx ON artifacts (tenant_id) INCLUDE (size_bytes);
CREATE INDEX artifacts_expired_idx ON artifacts (expires_at);
"""
POLICIES = """
ALTER TABLE artifacts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON artifacts
    USING (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid);
CREATE POLICY owner_reads ON artifacts FOR SELECT TO CURRENT_USER USING (true);
"""


def upgrade() -> None:
    for script in (TABLES, POLICIES):
        # The library prepares what it executes, and that takes one statement at a time.
        op.execute(f"DO $$ BEGIN {script} END $$")
