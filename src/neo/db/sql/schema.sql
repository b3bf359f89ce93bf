-- The tables of a fresh database.
--
-- Columns stand in the order in which they were added, so that a fresh database and an upgraded one are the same.

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    is_platform boolean NOT NULL DEFAULT false,
    entra_tenant_id uuid UNIQUE,
    suspended_at timestamptz,
    timezone text,
    start_business_hours integer CHECK (start_business_hours BETWEEN 0 AND 24),
    end_business_hours integer CHECK (end_business_hours BETWEEN 0 AND 24),
    human_friendly_client_name text,
    referral_code text,
    sleep_before_callback_processing_seconds integer,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Of a key only its HMAC is stored.
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    account_id uuid NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL UNIQUE,
    hint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    created_by uuid,
    rotated_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX api_keys_tenant_id_idx ON api_keys (tenant_id, created_at);

CREATE TABLE technicians (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    user_id uuid NOT NULL,
    name text,
    email text,
    role text NOT NULL CHECK (role IN ('Admin', 'User', 'Viewer')),
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id)
);

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
    description text NOT NULL DEFAULT '',
    audience text NOT NULL DEFAULT 'MSP' CHECK (audience IN ('MSP', 'END_USER')),
    access text NOT NULL DEFAULT 'ALL_USERS' CHECK (access IN ('ALL_USERS', 'ADMINS_ONLY', 'SPECIFIC_USERS')),
    access_user_ids uuid[] NOT NULL DEFAULT '{}',
    version integer NOT NULL DEFAULT 1,
    created_by uuid,
    deleted_at timestamptz,
    overlap text CHECK (overlap IN ('queue', 'reject')),
    toolbox jsonb NOT NULL DEFAULT '{}',
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, managed_key)
);

CREATE TABLE agent_versions (
    tenant_id uuid NOT NULL,
    agent_id bigint NOT NULL,
    version integer NOT NULL,
    snapshot jsonb NOT NULL,
    changed_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agent_id, version),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);

CREATE TABLE channels (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    agent_id bigint NOT NULL,
    transport text NOT NULL CHECK (transport IN ('TEAMS', 'SLACK', 'PORTAL', 'EMAIL')),
    audience text NOT NULL CHECK (audience IN ('MSP', 'END_USER')),
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'DISCONNECTED')),
    bot_id uuid,
    internal_name text NOT NULL,
    display_name text,
    description text,
    color_icon_url text,
    outline_icon_url text,
    welcome_message text,
    relay_prefix text,
    show_agent_progress_steps boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    overlap text CHECK (overlap IN ('queue', 'reject')),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
CREATE UNIQUE INDEX channels_bot_idx ON channels (tenant_id, audience, bot_id) WHERE deleted_at IS NULL;

-- Whose a Teams bot is. A channel counts only while its bot is its tenant's, or, for technicians, the platform's. What was
-- taken over from before bots were granted is not confirmed.
CREATE TABLE bots (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    is_confirmed boolean NOT NULL DEFAULT true,
    granted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bots_tenant_idx ON bots (tenant_id);

CREATE TABLE channel_installs (
    tenant_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    end_client_tenant_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel_id, end_client_tenant_id),
    FOREIGN KEY (tenant_id, channel_id) REFERENCES channels (tenant_id, id)
);

CREATE TABLE end_companies (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    psa_company_id text NOT NULL,
    psa_company_name text NOT NULL,
    m365_tenant_id uuid,
    custom_instructions text,
    custom_instructions_for_user_facing_chat text,
    auto_assign_exchange_admin boolean NOT NULL DEFAULT false,
    employee_identity_provider jsonb,
    mailbox_provider jsonb,
    marketplace_company_ids jsonb NOT NULL DEFAULT '[]',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, psa_company_id)
);
CREATE INDEX end_companies_m365_tenant_id_idx ON end_companies (tenant_id, m365_tenant_id);

-- `continues_...` is where the model's provider left off, for its next answer to go on from.
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
    audience text NOT NULL DEFAULT 'MSP' CHECK (audience IN ('MSP', 'END_USER')),
    actor_tenant_id uuid,
    channel_id uuid,
    end_company_id text,
    end_user text,
    end_user_email text,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id),
    FOREIGN KEY (tenant_id, channel_id) REFERENCES channels (tenant_id, id)
);
CREATE INDEX chat_sessions_newest_idx ON chat_sessions (tenant_id, created_at DESC, id DESC);
CREATE INDEX chat_sessions_own_idx ON chat_sessions (tenant_id, account_id, created_at DESC, id DESC);

-- Who minted it: the account `minted_by` and its credential, of a tenant that is another one's for the platform. Null in
-- tokens from before it was recorded.
CREATE TABLE session_tokens (
    jti uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    minted_by uuid NOT NULL,
    end_user text,
    end_user_email text,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    minter_kind text,
    minter_tenant_id uuid,
    minter_credential_id uuid,
    model_tier text NOT NULL DEFAULT 'FAST' CHECK (model_tier IN ('FAST', 'SMART')),
    FOREIGN KEY (tenant_id, session_id) REFERENCES chat_sessions (tenant_id, id)
);
CREATE INDEX session_tokens_tenant_id_idx ON session_tokens (tenant_id, created_at, jti);
CREATE INDEX session_tokens_session_id_idx ON session_tokens (session_id);
CREATE INDEX session_tokens_minter_credential_id_idx ON session_tokens (minter_credential_id);

-- A turn is a list of segments. (`segment`, `claim`) is the fencing token of whoever drives it: the first segment that is
-- not settled, and the newest claim of that segment. `claimable_at` says from when on it may be claimed; null while
-- nobody may: behind an open turn, while it waits, after its end. `terminal_*` is where its events end.
CREATE TABLE chat_turns (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    turn_no integer NOT NULL CHECK (turn_no > 0),
    status text NOT NULL DEFAULT 'QUEUED'
        CHECK (status IN ('QUEUED', 'RUNNING', 'WAITING', 'COMPLETED', 'FAILED', 'CANCELLED')),
    model_tier text NOT NULL CHECK (model_tier IN ('FAST', 'SMART')),
    user_message_id uuid NOT NULL,
    reply_message_id uuid NOT NULL,
    claim integer NOT NULL DEFAULT 0 CHECK (claim BETWEEN 0 AND 62),
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
    cancel_requested_at timestamptz,
    traceparent text,
    -- An event's id has 10 bits for the segment and 6 for the claim; claim 63 is for replays.
    segment integer NOT NULL DEFAULT 1 CHECK (segment BETWEEN 1 AND 1001),
    segment_attempts integer NOT NULL DEFAULT 0,
    lease_id uuid,
    claimable_at timestamptz,
    waiting_for text CHECK (waiting_for IN ('APPROVAL', 'CALL')),
    terminal_segment integer,
    terminal_claim integer,
    author_kind text,
    author_id uuid,
    author_tenant_id uuid,
    credential_id uuid,
    cost numeric,
    -- The turn whose message it asks again, and the turn that asks its own again: its reply is no longer given to models.
    retry_of uuid,
    superseded_by uuid,
    UNIQUE (tenant_id, id),
    UNIQUE (session_id, turn_no),
    FOREIGN KEY (tenant_id, session_id) REFERENCES chat_sessions (tenant_id, id)
);
CREATE INDEX chat_turns_newest_idx ON chat_turns (tenant_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX chat_turns_one_running_idx ON chat_turns (session_id) WHERE status IN ('RUNNING', 'WAITING');
CREATE INDEX chat_turns_open_idx ON chat_turns (session_id, turn_no) WHERE status IN ('QUEUED', 'RUNNING', 'WAITING');
CREATE INDEX chat_turns_claimable_idx ON chat_turns (claimable_at) WHERE claimable_at IS NOT NULL;
CREATE INDEX chat_turns_unleased_idx ON chat_turns (tenant_id, claimable_at, id)
    WHERE lease_id IS NULL AND status IN ('QUEUED', 'RUNNING');
CREATE INDEX chat_turns_leased_idx ON chat_turns (tenant_id, claimable_at) WHERE lease_id IS NOT NULL;
CREATE INDEX chat_turns_cancelled_idx ON chat_turns (cancel_requested_at)
    WHERE status = 'RUNNING' AND cancel_requested_at IS NOT NULL;

-- What a turn has settled, and never changes. `last_n` is the number of its last event under `claim`, appended or not;
-- null where nobody streamed it. `replay` has the events of a CALLS segment; those of a MODEL segment follow from `parts`.
-- `cost` is by the prices of that time, in the operator's currency.
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
    cost numeric,
    -- What the provider gave with each call, in their order, and may demand back with it.
    carried jsonb,
    PRIMARY KEY (turn_id, segment),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES chat_turns (tenant_id, id)
);

-- A call of a tool that a model asked for. `dispatched_at` is set before its first byte leaves.
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
    -- The CALLS segments that have settled that it was asked for, and its outcome.
    told_segment integer,
    outcome_segment integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    dispatched_at timestamptz,
    ended_at timestamptz,
    -- The tool as it was when the call was planned. A call of a name that is not offered has none of these.
    connection_id uuid,
    tool_name text,
    title text,
    tool_digest text,
    effect text CHECK (effect IN ('READ', 'KEYED', 'WRITE')),
    tier text CHECK (tier IN ('BASIC', 'STANDARD', 'ADVANCED')),
    timeout_seconds integer,
    keyed_by text CHECK (keyed_by IN ('HEADER', 'META', 'ARGUMENT')),
    key_argument text,
    probe_tool text,
    -- Whether strangers may have written what its connection answers.
    is_untrusted boolean NOT NULL DEFAULT false,
    -- The idempotency key: its own id, or the key of an earlier call that it asks for again.
    key text,
    -- What the model wrote as arguments, where it was no JSON object.
    arguments_raw text,
    -- How often it was dispatched.
    attempts integer NOT NULL DEFAULT 0,
    error_code text,
    -- Of the whole output; the outcome has what the model is told of it.
    output_bytes bigint,
    artifact_id uuid,
    -- What somebody has found out later of a call whose outcome was not known.
    resolution jsonb,
    -- Of the session that it was dispatched for; empty: of no company.
    end_company_id text,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES chat_turns (tenant_id, id)
);
CREATE INDEX tool_calls_turn_idx ON tool_calls (turn_id, segment, position);
CREATE INDEX tool_calls_running_idx ON tool_calls (tenant_id) WHERE status = 'RUNNING';
-- What may have been written in the last hour, for a company and through a connection.
CREATE INDEX tool_calls_company_writes_idx ON tool_calls (tenant_id, end_company_id, dispatched_at)
    WHERE effect <> 'READ' AND dispatched_at IS NOT NULL;
CREATE INDEX tool_calls_connection_writes_idx ON tool_calls (tenant_id, connection_id, dispatched_at)
    WHERE effect <> 'READ' AND dispatched_at IS NOT NULL;

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

-- The processes that run turns, each seen when it renews its leases. They belong to no tenant.
CREATE TABLE turn_processes (
    id uuid PRIMARY KEY,
    places integer NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- `neo_message_position` says where a message stands in its session.
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
    author_kind text,
    author_id uuid,
    author_tenant_id uuid,
    credential_id uuid,
    UNIQUE (session_id, position),
    UNIQUE (session_id, client_message_id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES chat_sessions (tenant_id, id),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES chat_turns (tenant_id, id)
);

CREATE TABLE attachments (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    blob_path text NOT NULL UNIQUE,
    mime text NOT NULL,
    filename text,
    alt text,
    message_id uuid,
    position smallint,
    size_bytes bigint,
    etag text,
    width integer,
    height integer,
    stored_path text,
    stored_mime text,
    stored_bytes bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz,
    removed_at timestamptz,
    author_kind text,
    author_id uuid,
    author_tenant_id uuid,
    credential_id uuid,
    FOREIGN KEY (tenant_id, session_id) REFERENCES chat_sessions (tenant_id, id)
);
CREATE INDEX attachments_message_id_idx ON attachments (tenant_id, message_id, position);
CREATE INDEX attachments_unused_idx ON attachments (tenant_id, created_at) WHERE message_id IS NULL;
CREATE INDEX attachments_spent_idx ON attachments (used_at) WHERE removed_at IS NULL;

-- Ids, actions and digests. What is null until the entry's transaction commits is written by a trigger of `functions/audit.sql`.
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_tenant_id uuid NOT NULL,
    action text NOT NULL,
    object_kind text NOT NULL,
    object_id text NOT NULL,
    request_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    credential_id uuid,
    details_digest bytea,
    sequence bigint,
    previous_hash bytea,
    hash bytea,
    UNIQUE (tenant_id, sequence)
);

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

-- The keys that a tenant's secrets are sealed with, each wrapped by a key that is not in the database; its name is in
-- `wrapped_by`.
CREATE TABLE data_keys (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    version integer NOT NULL CHECK (version > 0),
    wrapped_by text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, version)
);

-- Ciphertext only, bound to the row's id, its tenant and its purpose.
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

-- A server that a tenant's agents may call. Its secret is in `secrets`, under a purpose that names where it may be sent.
-- `due_at` is when its list of tools is read again; null: not before somebody changes it.
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

-- A tool of a connection: what the server says of it now, what somebody has said yes to, and what was set for it. A null
-- among what was set is the careful choice.
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

-- What a call brought, kept whole in the store of blobs until `expires_at`.
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

-- What a tenant's agents may not call. `scope_id` is an id of the scope's kind; of a tool, its connection's, and `tool` its
-- name.
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

-- A transaction sees one tenant's rows: those of the tenant that it has set. FORCE binds the tables' owner too.
-- After SET LOCAL ends the setting is the empty string, so nullif keeps the cast from failing.
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'tenants', 'api_keys', 'technicians', 'agents', 'agent_versions', 'channels', 'bots', 'channel_installs',
        'end_companies', 'chat_sessions', 'session_tokens', 'chat_turns', 'chat_messages', 'turn_segments', 'tool_calls',
        'approval_requests', 'attachments', 'audit_log', 'audit_details', 'audit_chains', 'audit_anchors',
        'data_keys', 'secrets', 'connections', 'connection_tools', 'artifacts', 'tool_stops']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY tenant ON %1$I '
            'USING (%2$I = nullif(current_setting(''neo.tenant_id'', true), '''')::uuid) '
            'WITH CHECK (%2$I = nullif(current_setting(''neo.tenant_id'', true), '''')::uuid)',
            guarded, CASE guarded WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END);
    END LOOP;
END
$$;

-- The owner's policies are for the SECURITY DEFINER functions and the operator's commands, which look over all tenants.
-- The application's role never has them.
CREATE POLICY owner_reads ON tenants FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON api_keys FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON technicians FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON channels FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON channel_installs FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON chat_sessions FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON session_tokens FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON chat_turns FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON attachments FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_ends ON session_tokens FOR UPDATE TO CURRENT_USER USING (true);
CREATE POLICY owner_writes ON tenants FOR UPDATE TO CURRENT_USER USING (true);
CREATE POLICY owner_sweeps ON chat_turns FOR UPDATE TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON approval_requests FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON tool_calls FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON turn_segments FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON chat_messages FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON audit_log FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_writes ON bots TO CURRENT_USER USING (true);
CREATE POLICY owner_writes ON channels FOR UPDATE TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON data_keys FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON secrets FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON connections FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_takes ON connections FOR UPDATE TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON artifacts FOR SELECT TO CURRENT_USER USING (true);
