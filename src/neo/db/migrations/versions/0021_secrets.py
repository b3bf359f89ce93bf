"""Secrets that are read back: sealed, each tenant's with a data key of its own."""

from alembic import op

revision = "0021"
down_revision = "0020"

TABLES = """
CREATE TABLE data_keys (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    version integer NOT NULL CHECK (version > 0),
    wrapped_by text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, version)
);

CREATE TABLE secrets (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    purpose text NOT NULL,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sealed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, key_version) REFERENCES data_keys (tenant_id, version)
);
CREATE INDEX secrets_key_version_idx ON secrets (tenant_id, key_version);
"""
# Of a table's own tenant, and for the operator, who looks over all of them.
POLICIES = """
ALTER TABLE data_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON data_keys
    USING (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid);
CREATE POLICY tenant ON secrets
    USING (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid);
CREATE POLICY owner_reads ON data_keys FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON secrets FOR SELECT TO CURRENT_USER USING (true);
"""


def upgrade() -> None:
    for script in (TABLES, POLICIES):
        # The library prepares what it executes, and that takes one statement at a time.
        op.execute(f"DO $$ BEGIN {script} END $$")
