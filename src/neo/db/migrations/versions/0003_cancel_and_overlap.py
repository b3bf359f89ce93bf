"""Cancelled turns, what a message does that meets a running one, uploads that have served."""

from neo.db.policies import app_role, run_script

revision = "0003"
down_revision = "0002"

COLUMNS = """
ALTER TABLE chat_turns ADD COLUMN cancel_requested_at timestamptz;
ALTER TABLE chat_turns ADD COLUMN traceparent text;
ALTER TABLE attachments ADD COLUMN removed_at timestamptz;
CREATE INDEX attachments_spent_idx ON attachments (used_at) WHERE stored_path IS NOT NULL AND removed_at IS NULL;
ALTER TABLE agents ADD COLUMN overlap text CHECK (overlap IN ('queue', 'reject'));
ALTER TABLE channels ADD COLUMN overlap text CHECK (overlap IN ('queue', 'reject'));
CREATE INDEX chat_turns_cancelled_idx ON chat_turns (cancel_requested_at)
    WHERE status = 'RUNNING' AND cancel_requested_at IS NOT NULL;
"""

LOOKUPS = """
CREATE FUNCTION neo_cancelled_turns(turns uuid[])
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT t.id FROM chat_turns t
    WHERE t.id = ANY (turns) AND (t.cancel_requested_at IS NOT NULL OR t.status NOT IN ('QUEUED', 'RUNNING'))
$$;

CREATE FUNCTION neo_overdue_cancels(older_than interval, turns_max integer)
RETURNS TABLE (tenant_id uuid, session_id uuid, id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT t.tenant_id, t.session_id, t.id FROM chat_turns t
    WHERE t.status = 'RUNNING' AND t.cancel_requested_at < clock_timestamp() - older_than
    ORDER BY t.cancel_requested_at
    LIMIT turns_max
$$;

CREATE FUNCTION neo_spent_uploads(older_than interval, rows_max integer)
RETURNS TABLE (tenant_id uuid, id uuid, blob_path text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT a.tenant_id, a.id, a.blob_path FROM attachments a
    WHERE a.stored_path IS NOT NULL AND a.removed_at IS NULL AND a.used_at < now() - older_than
    ORDER BY a.used_at
    LIMIT rows_max
$$;

CREATE FUNCTION neo_outbox_age()
RETURNS double precision
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT extract(epoch FROM clock_timestamp() - min(greatest(t.created_at, (
        SELECT max(e.ended_at) FROM chat_turns e WHERE e.session_id = t.session_id AND e.turn_no < t.turn_no))))
    FROM chat_turns t
    WHERE t.status = 'QUEUED' AND NOT EXISTS (
        SELECT 1 FROM chat_turns e
        WHERE e.session_id = t.session_id AND e.turn_no < t.turn_no AND e.status IN ('QUEUED', 'RUNNING'))
$$;

REVOKE ALL ON FUNCTION neo_cancelled_turns, neo_overdue_cancels, neo_outbox_age, neo_spent_uploads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION neo_cancelled_turns, neo_overdue_cancels, neo_outbox_age, neo_spent_uploads TO {role};
"""


def upgrade() -> None:
    run_script(COLUMNS)
    run_script(LOOKUPS.format(role=app_role()))


def downgrade() -> None:
    run_script(
        "DROP FUNCTION neo_cancelled_turns, neo_overdue_cancels, neo_outbox_age, neo_spent_uploads;\n"
        "ALTER TABLE channels DROP COLUMN overlap;\n"
        "ALTER TABLE agents DROP COLUMN overlap;\n"
        "DROP INDEX attachments_spent_idx;\n"
        "ALTER TABLE attachments DROP COLUMN removed_at;\n"
        "DROP INDEX chat_turns_cancelled_idx;\n"
        "ALTER TABLE chat_turns DROP COLUMN traceparent;\n"
        "ALTER TABLE chat_turns DROP COLUMN cancel_requested_at;\n"
    )
