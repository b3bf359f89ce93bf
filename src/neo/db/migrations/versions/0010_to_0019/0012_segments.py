"""A turn is a list of segments, each written under claims, and is driven by whoever has its lease.

Streams of before have segment 0 in their ids: their turns are replayed, and open ones go on as segment 1.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

COLUMNS = """
ALTER TABLE chat_turns
    DROP COLUMN swept_at,
    DROP COLUMN held_until,
    ADD COLUMN segment integer NOT NULL DEFAULT 1 CHECK (segment BETWEEN 1 AND 1001),
    ADD COLUMN segment_attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN lease_id uuid,
    ADD COLUMN claimable_at timestamptz,
    ADD COLUMN waiting_for text CHECK (waiting_for IN ('APPROVAL', 'CALL')),
    ADD COLUMN terminal_segment integer,
    ADD COLUMN terminal_claim integer,
    ADD COLUMN author_kind text,
    ADD COLUMN author_id uuid,
    ADD COLUMN author_tenant_id uuid,
    ADD COLUMN credential_id uuid,
    DROP CONSTRAINT chat_turns_status_check,
    DROP CONSTRAINT chat_turns_claim_check;
ALTER TABLE chat_messages
    ADD COLUMN author_kind text,
    ADD COLUMN author_id uuid,
    ADD COLUMN author_tenant_id uuid,
    ADD COLUMN credential_id uuid;
ALTER TABLE audit_log ADD COLUMN credential_id uuid;
"""

TABLES = """
CREATE TABLE turn_segments (
    tenant_id uuid NOT NULL,
    turn_id uuid NOT NULL,
    segment integer NOT NULL CHECK (segment BETWEEN 1 AND 1001),
    kind text NOT NULL CHECK (kind IN ('MODEL', 'CALLS')),
    claim integer NOT NULL CHECK (claim BETWEEN 0 AND 63),
    last_n integer,
    parts jsonb NOT NULL DEFAULT '[]',
    replay jsonb,
    provider text,
    region text,
    model text,
    response_id text,
    finish_reason text,
    input_tokens integer,
    output_tokens integer,
    cached_tokens integer,
    settled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (turn_id, segment),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES chat_turns (tenant_id, id)
);

CREATE TABLE tool_calls (
    id text PRIMARY KEY,
    tenant_id uuid NOT NULL,
    turn_id uuid NOT NULL,
    segment integer NOT NULL,
    position integer NOT NULL,
    provider_call_id text NOT NULL,
    name text NOT NULL,
    arguments jsonb NOT NULL,
    digest bytea NOT NULL,
    gate text NOT NULL CHECK (gate IN ('AUTO', 'APPROVAL')),
    runs_apart boolean NOT NULL DEFAULT false,
    status text NOT NULL CHECK (status IN ('PLANNED', 'WAITING', 'RUNNING', 'OK', 'FAILED', 'TIMED_OUT', 'REFUSED',
                                           'REJECTED', 'EXPIRED', 'CANCELLED', 'UNKNOWN')),
    outcome jsonb,
    -- The CALLS segment that has settled its outcome.
    told_segment integer,
    outcome_segment integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    dispatched_at timestamptz,
    ended_at timestamptz,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES chat_turns (tenant_id, id)
);
CREATE INDEX tool_calls_turn_idx ON tool_calls (turn_id, segment, position);

CREATE TABLE approval_requests (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    turn_id uuid NOT NULL,
    call_id text NOT NULL UNIQUE,
    status text NOT NULL DEFAULT 'PENDING'
        CHECK (status IN ('PENDING', 'APPROVED', 'REJECTED', 'EXPIRED', 'CANCELLED')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    decided_at timestamptz,
    FOREIGN KEY (tenant_id, turn_id) REFERENCES chat_turns (tenant_id, id),
    FOREIGN KEY (tenant_id, call_id) REFERENCES tool_calls (tenant_id, id)
);
CREATE INDEX approval_requests_turn_idx ON approval_requests (turn_id);
CREATE INDEX approval_requests_due_idx ON approval_requests (expires_at) WHERE status = 'PENDING';

CREATE TABLE turn_processes (
    id uuid PRIMARY KEY,
    places integer NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);
"""

# A turn that has ended has one segment, settled with its reply; without a reply it has its terminal alone. The owner is
# bound by row-level security too, and this is not for one tenant.
TURNS = """
ALTER TABLE chat_turns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE chat_messages NO FORCE ROW LEVEL SECURITY;
INSERT INTO turn_segments (tenant_id, turn_id, segment, kind, claim, parts, provider, region, model, finish_reason,
                           input_tokens, output_tokens, cached_tokens, settled_at)
SELECT t.tenant_id, t.id, 1, 'MODEL', 63, m.parts, t.provider, t.region, t.model, t.finish_reason,
       t.input_tokens, t.output_tokens, t.cached_tokens, t.ended_at
FROM chat_turns t JOIN chat_messages m ON m.tenant_id = t.tenant_id AND m.id = t.reply_message_id
WHERE t.ended_at IS NOT NULL;
UPDATE chat_turns t SET
    claim = 0, terminal_n = NULL,
    segment = CASE WHEN EXISTS (SELECT 1 FROM turn_segments g WHERE g.turn_id = t.id) THEN 2 ELSE 1 END
WHERE t.ended_at IS NOT NULL;
UPDATE chat_turns t SET
    claim = 0, terminal_n = NULL, attempts = 0,
    claimable_at = CASE WHEN NOT EXISTS (
        SELECT 1 FROM chat_turns o
        WHERE o.session_id = t.session_id AND o.turn_no < t.turn_no AND o.ended_at IS NULL
    ) THEN clock_timestamp() END
WHERE t.ended_at IS NULL;
ALTER TABLE chat_turns FORCE ROW LEVEL SECURITY;
ALTER TABLE chat_messages FORCE ROW LEVEL SECURITY;
"""

CHECKS = """
ALTER TABLE chat_turns
    ADD CONSTRAINT chat_turns_status_check
        CHECK (status IN ('QUEUED', 'RUNNING', 'WAITING', 'COMPLETED', 'FAILED', 'CANCELLED')),
    ADD CONSTRAINT chat_turns_claim_check CHECK (claim BETWEEN 0 AND 62);
DROP INDEX chat_turns_one_running_idx;
DROP INDEX chat_turns_open_idx;
CREATE UNIQUE INDEX chat_turns_one_running_idx ON chat_turns (session_id) WHERE status IN ('RUNNING', 'WAITING');
CREATE INDEX chat_turns_open_idx ON chat_turns (session_id, turn_no) WHERE status IN ('QUEUED', 'RUNNING', 'WAITING');
CREATE INDEX chat_turns_claimable_idx ON chat_turns (claimable_at) WHERE claimable_at IS NOT NULL;
CREATE INDEX chat_turns_leased_idx ON chat_turns (tenant_id, claimable_at) WHERE lease_id IS NOT NULL;
"""

RIGHTS = """
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['turn_segments', 'tool_calls', 'approval_requests'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY tenant ON %I '
            'USING (tenant_id = nullif(current_setting(''neo.tenant_id'', true), '''')::uuid) '
            'WITH CHECK (tenant_id = nullif(current_setting(''neo.tenant_id'', true), '''')::uuid)', guarded);
    END LOOP;
    CREATE POLICY owner_reads ON approval_requests FOR SELECT TO CURRENT_USER USING (true);
    CREATE POLICY owner_reads ON tool_calls FOR SELECT TO CURRENT_USER USING (true);
    CREATE POLICY owner_reads ON turn_segments FOR SELECT TO CURRENT_USER USING (true);
    CREATE POLICY owner_reads ON chat_messages FOR SELECT TO CURRENT_USER USING (true);
END
"""


def upgrade() -> None:
    for script in (COLUMNS, TABLES, TURNS, CHECKS):
        # The library prepares what it executes, and that takes one statement at a time.
        op.execute(f"DO $$ BEGIN {script} END $$")
    op.execute(f"DO $$ {RIGHTS} $$")
