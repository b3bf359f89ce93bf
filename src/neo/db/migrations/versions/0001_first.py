"""Tenants, keys, agents, sessions, turns and messages, each behind row-level security."""

from alembic import op

from neo.db.policies import app_role, protect, run_script

revision = "0001"
down_revision = None

TENANT_TABLES = ("api_keys", "agents", "chat_sessions", "chat_turns", "chat_messages")

TABLES = """
CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    account_id uuid NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL UNIQUE,
    hint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_tenant_id_idx ON api_keys (tenant_id, created_at);

CREATE TABLE agents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    name text NOT NULL,
    managed_key text,
    autonomy_type text NOT NULL DEFAULT 'CONVERSATIONAL'
        CHECK (autonomy_type IN ('CHAINED_ACTIONS', 'AGENTIC', 'CONVERSATIONAL')),
    instructions text NOT NULL DEFAULT '',
    model text,
    reasoning_effort text CHECK (reasoning_effort IN ('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, managed_key)
);

CREATE TABLE chat_sessions (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    agent_id bigint NOT NULL,
    account_id uuid NOT NULL,
    title text,
    channel text NOT NULL CHECK (channel IN ('API', 'DASHBOARD', 'TEAMS')),
    show_agent_progress_steps boolean,
    last_turn_no integer NOT NULL DEFAULT 0,
    continues_provider text,
    continues_region text,
    continues_response_id text,
    continues_turn_no integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
CREATE INDEX chat_sessions_newest_idx ON chat_sessions (tenant_id, created_at DESC, id DESC);

CREATE TABLE chat_turns (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    turn_no integer NOT NULL CHECK (turn_no > 0),
    status text NOT NULL DEFAULT 'QUEUED'
        CHECK (status IN ('QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')),
    model_tier text NOT NULL CHECK (model_tier IN ('FAST', 'SMART')),
    user_message_id uuid NOT NULL,
    reply_message_id uuid NOT NULL,
    pen integer NOT NULL DEFAULT 0 CHECK (pen BETWEEN 0 AND 65535),
    terminal_n integer,
    attempts integer NOT NULL DEFAULT 0,
    finish_reason text,
    error_code text,
    error_message text,
    provider text,
    region text,
    model text,
    input_tokens integer,
    output_tokens integer,
    cached_tokens integer,
    first_token_ms integer,
    total_ms integer,
    omitted_messages integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    swept_at timestamptz,
    UNIQUE (tenant_id, id),
    UNIQUE (session_id, turn_no),
    FOREIGN KEY (tenant_id, session_id) REFERENCES chat_sessions (tenant_id, id)
);
CREATE UNIQUE INDEX chat_turns_one_running_idx ON chat_turns (session_id) WHERE status = 'RUNNING';
CREATE INDEX chat_turns_open_idx ON chat_turns (session_id, turn_no) WHERE status IN ('QUEUED', 'RUNNING');

CREATE TABLE chat_messages (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    turn_id uuid NOT NULL,
    position bigint NOT NULL,
    role text NOT NULL CHECK (role IN ('user', 'assistant')),
    parts jsonb NOT NULL,
    client_message_id text,
    draft_digest bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (session_id, position),
    UNIQUE (session_id, client_message_id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES chat_sessions (tenant_id, id),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES chat_turns (tenant_id, id)
);
"""

# With FORCE the owner is bound too, so it gets policies of its own: for the look-ups below and for the
# operator's commands. The application's role never has them.
OWNER_POLICIES = """
CREATE POLICY owner_reads ON tenants FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON api_keys FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON chat_turns FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_sweeps ON chat_turns FOR UPDATE TO CURRENT_USER USING (true);
"""

LOOKUPS = """
CREATE FUNCTION neo_find_api_key(digests bytea[])
RETURNS TABLE (id uuid, tenant_id uuid, account_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.id, k.tenant_id, k.account_id FROM api_keys k
    WHERE k.digest = ANY (digests)
      AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > now())
$$;

CREATE FUNCTION neo_sweep_turns(queued_after interval, running_after interval, turns_max integer)
RETURNS TABLE (tenant_id uuid, session_id uuid, id uuid, status text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE chat_turns t SET swept_at = clock_timestamp()
    WHERE t.id IN (
        SELECT o.id FROM chat_turns o
        WHERE o.status IN ('QUEUED', 'RUNNING')
          AND coalesce(o.swept_at, o.started_at, o.created_at)
              < clock_timestamp() - CASE o.status WHEN 'QUEUED' THEN queued_after ELSE running_after END
          AND NOT EXISTS (
              SELECT 1 FROM chat_turns e
              WHERE e.session_id = o.session_id AND e.turn_no < o.turn_no
                AND e.status IN ('QUEUED', 'RUNNING'))
        ORDER BY o.created_at
        LIMIT turns_max
        FOR UPDATE SKIP LOCKED)
    RETURNING t.tenant_id, t.session_id, t.id, t.status
$$;
"""


def upgrade() -> None:
    role = app_role()
    run_script(TABLES)
    for table in TENANT_TABLES:
        protect(table)
    protect("tenants", "id")
    run_script(OWNER_POLICIES)
    run_script(LOOKUPS)
    op.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    op.execute(f"REVOKE ALL ON alembic_version FROM {role}")
    op.execute(f"GRANT SELECT ON alembic_version TO {role}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
    op.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}")


def downgrade() -> None:
    op.execute("DROP FUNCTION neo_sweep_turns, neo_find_api_key")
    op.execute("DROP TABLE chat_messages, chat_turns, chat_sessions, agents, api_keys, tenants")
