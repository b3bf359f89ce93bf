"""The audit log is a chain of hashes for each tenant, and what people are called stands beside it.

Entries of before are chained in the order of their ids.
"""

from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = """
BEGIN
ALTER TABLE audit_log
    ADD COLUMN details_digest bytea,
    ADD COLUMN sequence bigint,
    ADD COLUMN previous_hash bytea,
    ADD COLUMN hash bytea,
    ADD UNIQUE (tenant_id, sequence);
-- What people are called in an entry, which has their digest. Erased with a person.
CREATE TABLE audit_details (
    entry_id bigint PRIMARY KEY REFERENCES audit_log (id),
    tenant_id uuid NOT NULL,
    salt bytea NOT NULL,
    end_user text,
    details jsonb NOT NULL
);

-- Where each tenant's chain ends.
CREATE TABLE audit_chains (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    sequence bigint NOT NULL,
    hash bytea NOT NULL
);

-- In place of entries that were too old: their number and time, and from where the chain goes on.
CREATE TABLE audit_anchors (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    entries bigint NOT NULL,
    from_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, sequence)
);
END
"""

# The digests and hashes of `functions/audit.sql`, as they are at this version. The owner is bound by row-level security
# too, and this is not for one tenant.
ENTRIES = """
DECLARE
    entry audit_log;
    head audit_chains;
BEGIN
    ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY;
    INSERT INTO audit_details (entry_id, tenant_id, salt, end_user, details)
    SELECT l.id, l.tenant_id, uuid_send(gen_random_uuid()), l.end_user, l.details FROM audit_log l
    WHERE l.end_user IS NOT NULL OR l.details <> '{}';
    UPDATE audit_log l SET
        details_digest = sha256(d.salt || convert_to(jsonb_build_array(d.end_user, d.details)::text, 'UTF8'))
    FROM audit_details d WHERE d.entry_id = l.id;
    INSERT INTO audit_chains (tenant_id, sequence, hash) SELECT t.id, 0, '' FROM tenants t;
    FOR entry IN SELECT l.* FROM audit_log l ORDER BY l.tenant_id, l.id LOOP
        SELECT c.* INTO head FROM audit_chains c WHERE c.tenant_id = entry.tenant_id;
        entry.sequence := head.sequence + 1;
        entry.previous_hash := head.hash;
        entry.hash := sha256(entry.previous_hash || convert_to(jsonb_build_array(
            entry.tenant_id, entry.sequence, entry.id, (extract(epoch FROM entry.created_at) * 1000000)::bigint,
            entry.actor_kind, entry.actor_id, entry.actor_tenant_id, entry.credential_id, entry.action,
            entry.object_kind, entry.object_id, entry.request_id, encode(entry.details_digest, 'hex'))::text, 'UTF8'));
        UPDATE audit_log l
        SET sequence = entry.sequence, previous_hash = entry.previous_hash, hash = entry.hash WHERE l.id = entry.id;
        UPDATE audit_chains c SET sequence = entry.sequence, hash = entry.hash WHERE c.tenant_id = entry.tenant_id;
    END LOOP;
    ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
    ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
END
"""

RIGHTS = """
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['audit_details', 'audit_chains', 'audit_anchors'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY tenant ON %I '
            'USING (tenant_id = nullif(current_setting(''neo.tenant_id'', true), '''')::uuid) '
            'WITH CHECK (tenant_id = nullif(current_setting(''neo.tenant_id'', true), '''')::uuid)', guarded);
    END LOOP;
    CREATE POLICY owner_reads ON audit_log FOR SELECT TO CURRENT_USER USING (true);
    ALTER TABLE audit_log DROP COLUMN end_user, DROP COLUMN details;
END
"""


def upgrade() -> None:
    for script in (TABLES, ENTRIES, RIGHTS):
        # The library prepares what it executes, and that takes one statement at a time.
        op.execute(f"DO $$ {script} $$")
