"""People, channels, end companies, session tokens, attachments and the audit log; who may act for whom."""

from neo.db.policies import app_role, protect, run_script

revision = "0002"
down_revision = "0001"

TENANT_TABLES = (
    "technicians",
    "agent_versions",
    "channels",
    "channel_installs",
    "end_companies",
    "session_tokens",
    "attachments",
    "audit_log",
)

COLUMNS = """
ALTER TABLE tenants
    ADD COLUMN is_platform boolean NOT NULL DEFAULT false,
    ADD COLUMN entra_tenant_id uuid UNIQUE,
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN timezone text,
    ADD COLUMN start_business_hours integer CHECK (start_business_hours BETWEEN 0 AND 24),
    ADD COLUMN end_business_hours integer CHECK (end_business_hours BETWEEN 0 AND 24),
    ADD COLUMN human_friendly_client_name text,
    ADD COLUMN referral_code text,
    ADD COLUMN sleep_before_callback_processing_seconds integer,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

ALTER TABLE api_keys
    ADD COLUMN created_by uuid,
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN last_used_at timestamptz;

ALTER TABLE agents
    ADD COLUMN description text NOT NULL DEFAULT '',
    ADD COLUMN audience text NOT NULL DEFAULT 'MSP' CHECK (audience IN ('MSP', 'END_USER')),
    ADD COLUMN access text NOT NULL DEFAULT 'ALL_USERS'
        CHECK (access IN ('ALL_USERS', 'ADMINS_ONLY', 'SPECIFIC_USERS')),
    ADD COLUMN access_user_ids uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN created_by uuid,
    ADD COLUMN deleted_at timestamptz;

ALTER TABLE chat_sessions
    ADD COLUMN audience text NOT NULL DEFAULT 'MSP' CHECK (audience IN ('MSP', 'END_USER')),
    ADD COLUMN actor_tenant_id uuid,
    ADD COLUMN channel_id uuid,
    ADD COLUMN end_company_id text,
    ADD COLUMN end_user text,
    ADD COLUMN end_user_email text;
CREATE INDEX chat_sessions_own_idx ON chat_sessions (tenant_id, account_id, created_at DESC, id DESC);
"""

TABLES = """
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
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
CREATE UNIQUE INDEX channels_white_label_bot_idx ON channels (bot_id)
    WHERE audience = 'END_USER' AND deleted_at IS NULL;
CREATE UNIQUE INDEX channels_msp_bot_idx ON channels (tenant_id, bot_id)
    WHERE audience = 'MSP' AND deleted_at IS NULL;

ALTER TABLE chat_sessions ADD FOREIGN KEY (tenant_id, channel_id) REFERENCES channels (tenant_id, id);

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
    FOREIGN KEY (tenant_id, session_id) REFERENCES chat_sessions (tenant_id, id)
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
    FOREIGN KEY (tenant_id, session_id) REFERENCES chat_sessions (tenant_id, id)
);
CREATE INDEX attachments_message_id_idx ON attachments (tenant_id, message_id, position);
CREATE INDEX attachments_unused_idx ON attachments (tenant_id, created_at) WHERE message_id IS NULL;

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_tenant_id uuid NOT NULL,
    end_user text,
    action text NOT NULL,
    object_kind text NOT NULL,
    object_id text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    request_id uuid,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_log_newest_idx ON audit_log (tenant_id, id DESC);
"""

# FORCE binds the owner too, so what the look-ups read and the operator's commands write needs policies of its own.
OWNER_POLICIES = """
CREATE POLICY owner_writes ON tenants FOR UPDATE TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON technicians FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON chat_sessions FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON session_tokens FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON channels FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON channel_installs FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_reads ON attachments FOR SELECT TO CURRENT_USER USING (true);
"""

LOOKUPS = """
DROP FUNCTION neo_find_api_key(bytea[]);

CREATE FUNCTION neo_find_api_key(digests bytea[])
RETURNS TABLE (id uuid, tenant_id uuid, account_id uuid, is_platform boolean, is_live boolean, is_suspended boolean,
               last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.id, k.tenant_id, k.account_id, t.is_platform,
           k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()),
           t.suspended_at IS NOT NULL, k.last_used_at
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.digest = ANY (digests)
$$;

CREATE FUNCTION neo_find_technician(entra_tenant uuid, technician uuid)
RETURNS TABLE (tenant_id uuid, is_suspended boolean, role text, is_active boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT t.id, t.suspended_at IS NOT NULL, p.role, p.is_active
    FROM tenants t LEFT JOIN technicians p ON p.tenant_id = t.id AND p.user_id = technician
    WHERE t.entra_tenant_id = entra_tenant
$$;

CREATE FUNCTION neo_find_session_token(token uuid)
RETURNS TABLE (tenant_id uuid, session_id uuid, account_id uuid, is_live boolean, is_suspended boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT s.tenant_id, s.id, s.account_id,
           k.revoked_at IS NULL AND k.expires_at > now() AND s.archived_at IS NULL,
           t.suspended_at IS NOT NULL
    FROM session_tokens k
    JOIN chat_sessions s ON s.tenant_id = k.tenant_id AND s.id = k.session_id
    JOIN tenants t ON t.id = k.tenant_id
    WHERE k.jti = token
$$;

CREATE FUNCTION neo_find_relayed_session(session uuid, actor_tenant uuid, account uuid)
RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT s.tenant_id FROM chat_sessions s JOIN tenants t ON t.id = s.tenant_id
    WHERE s.id = session AND s.actor_tenant_id = actor_tenant AND s.account_id = account
      AND t.suspended_at IS NULL
$$;

CREATE FUNCTION neo_find_install(bot uuid, end_client_tenant uuid)
RETURNS TABLE (tenant_id uuid, channel_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT c.tenant_id, c.id
    FROM channels c
    JOIN channel_installs i ON i.channel_id = c.id AND i.end_client_tenant_id = end_client_tenant
    JOIN tenants t ON t.id = c.tenant_id
    WHERE c.bot_id = bot AND c.audience = 'END_USER' AND c.status = 'ACTIVE' AND c.deleted_at IS NULL
      AND t.suspended_at IS NULL
$$;

CREATE FUNCTION neo_lapsed_credentials(kinds text[], tenant_ids uuid[], ids uuid[])
RETURNS TABLE (kind text, tenant_id uuid, id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT c.kind, c.tenant_id, c.id
    FROM unnest(kinds, tenant_ids, ids) AS c (kind, tenant_id, id)
    WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.id = c.tenant_id AND t.suspended_at IS NULL)
       OR NOT CASE c.kind
           WHEN 'api_key' THEN EXISTS (
               SELECT FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
               WHERE k.id = c.id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
                 AND t.suspended_at IS NULL)
           WHEN 'technician' THEN EXISTS (
               SELECT FROM technicians p
               WHERE p.tenant_id = c.tenant_id AND p.user_id = c.id AND p.is_active)
           WHEN 'session_token' THEN EXISTS (
               SELECT FROM session_tokens k
               JOIN chat_sessions s ON s.tenant_id = k.tenant_id AND s.id = k.session_id
               WHERE k.jti = c.id AND k.revoked_at IS NULL AND k.expires_at > now() AND s.archived_at IS NULL)
           ELSE false END
$$;

CREATE FUNCTION neo_take_orphan_uploads(older_than interval, rows_max integer)
RETURNS TABLE (tenant_id uuid, id uuid, blob_path text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT a.tenant_id, a.id, a.blob_path FROM attachments a
    WHERE a.message_id IS NULL AND a.created_at < now() - older_than
    ORDER BY a.created_at
    LIMIT rows_max
$$;
"""

# What the application must not write, whatever a bug or a body asks of it: who is the platform, whose Microsoft
# tenant is whose, who is suspended, and what is on record.
RIGHTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE INSERT, UPDATE, DELETE ON tenants FROM {role};
GRANT INSERT (id, name, entra_tenant_id) ON tenants TO {role};
GRANT UPDATE (name, timezone, start_business_hours, end_business_hours, human_friendly_client_name, referral_code,
    sleep_before_callback_processing_seconds, updated_at) ON tenants TO {role};
REVOKE DELETE ON api_keys FROM {role};
REVOKE UPDATE, DELETE ON audit_log, agent_versions FROM {role};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role};
"""


BEFORE = """
DROP FUNCTION neo_find_api_key, neo_find_technician, neo_find_session_token, neo_find_relayed_session, neo_find_install,
    neo_lapsed_credentials, neo_take_orphan_uploads;
DROP POLICY owner_writes ON tenants;
DROP POLICY owner_reads ON chat_sessions;
ALTER TABLE chat_sessions
    DROP COLUMN audience, DROP COLUMN actor_tenant_id, DROP COLUMN channel_id, DROP COLUMN end_company_id,
    DROP COLUMN end_user, DROP COLUMN end_user_email;
DROP INDEX chat_sessions_own_idx;
DROP TABLE technicians, agent_versions, channel_installs, channels, end_companies, session_tokens, attachments,
    audit_log;
ALTER TABLE agents
    DROP COLUMN description, DROP COLUMN audience, DROP COLUMN access, DROP COLUMN access_user_ids,
    DROP COLUMN version, DROP COLUMN created_by, DROP COLUMN deleted_at;
ALTER TABLE api_keys DROP COLUMN created_by, DROP COLUMN rotated_at, DROP COLUMN last_used_at;
ALTER TABLE tenants
    DROP COLUMN is_platform, DROP COLUMN entra_tenant_id, DROP COLUMN suspended_at, DROP COLUMN timezone,
    DROP COLUMN start_business_hours, DROP COLUMN end_business_hours, DROP COLUMN human_friendly_client_name,
    DROP COLUMN referral_code, DROP COLUMN sleep_before_callback_processing_seconds, DROP COLUMN updated_at;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants, api_keys TO {role};

CREATE FUNCTION neo_find_api_key(digests bytea[])
RETURNS TABLE (id uuid, tenant_id uuid, account_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.id, k.tenant_id, k.account_id FROM api_keys k
    WHERE k.digest = ANY (digests)
      AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > now())
$$;
REVOKE ALL ON FUNCTION neo_find_api_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION neo_find_api_key TO {role};
"""


def upgrade() -> None:
    run_script(COLUMNS)
    run_script(TABLES)
    for table in TENANT_TABLES:
        protect(table)
    run_script(OWNER_POLICIES)
    run_script(LOOKUPS)
    run_script(RIGHTS.format(role=app_role(), tables=", ".join(TENANT_TABLES)))


def downgrade() -> None:
    run_script(BEFORE.format(role=app_role()))
