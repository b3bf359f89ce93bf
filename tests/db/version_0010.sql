-- A database of version 0010, as `pg_dump --inserts` wrote it, without its comments: what `neo serve` had made at commit
-- 8a42d6c of a few sessions, whose turns were completed, failed, cancelled, queued and running when it was killed.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE TYPE public.neo_begun AS (
	id uuid,
	tenant_id uuid,
	session_id uuid,
	turn_no integer,
	status text,
	model_tier text,
	reply_message_id uuid,
	pen integer,
	attempts integer,
	created_at timestamp with time zone,
	cancel_requested_at timestamp with time zone,
	traceparent text,
	continues_provider text,
	continues_region text,
	continues_response_id text,
	continues_turn_no integer,
	instructions text,
	agent_model text,
	reasoning_effort text,
	message_id uuid,
	parts jsonb,
	of_company text
);
ALTER TYPE public.neo_begun OWNER TO neo_owner;
CREATE FUNCTION public.neo_accept_messages(messages jsonb) RETURNS TABLE(turn_id uuid, turn_no integer, open_turns integer, begun public.neo_begun)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_variable
DECLARE
    said record;
    begins boolean;
    turn chat_turns;
BEGIN
    FOR said IN SELECT * FROM jsonb_to_recordset(messages) AS m (
        tenant_id uuid, session_id uuid, seen text, open_turns_max integer, title text, turn_id uuid,
        user_message_id uuid, reply_message_id uuid, model_tier text, parts jsonb, client_message_id text,
        draft_digest text, traceparent text, held_for interval)
    LOOP
        PERFORM set_config('neo.tenant_id', said.tenant_id::text, true);
        PERFORM 1 FROM chat_sessions s WHERE s.tenant_id = said.tenant_id AND s.id = said.session_id
        FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        turn_id := said.turn_id; begun := NULL;
        SELECT t.turn_no INTO turn_no FROM chat_turns t WHERE t.tenant_id = said.tenant_id AND t.id = said.turn_id;
        IF FOUND THEN
            SELECT count(*) INTO open_turns FROM chat_turns t
            WHERE t.tenant_id = said.tenant_id AND t.session_id = said.session_id AND t.turn_no < turn_no
              AND t.status IN ('QUEUED', 'RUNNING');
            RETURN NEXT;
            CONTINUE;
        END IF;
        CONTINUE WHEN said.seen IS NOT NULL AND said.seen IS DISTINCT FROM (
            SELECT n.seen FROM neo_standings(ARRAY[said.tenant_id], ARRAY[said.session_id]) n);
        CONTINUE WHEN said.client_message_id IS NOT NULL AND EXISTS (
            SELECT 1 FROM chat_messages m
            WHERE m.tenant_id = said.tenant_id AND m.session_id = said.session_id
              AND m.client_message_id = said.client_message_id);
        SELECT count(*) INTO open_turns FROM chat_turns t
        WHERE t.tenant_id = said.tenant_id AND t.session_id = said.session_id AND t.status IN ('QUEUED', 'RUNNING');
        CONTINUE WHEN open_turns >= said.open_turns_max;
        UPDATE chat_sessions s
        SET last_turn_no = s.last_turn_no + 1, title = coalesce(s.title, said.title), updated_at = now()
        WHERE s.tenant_id = said.tenant_id AND s.id = said.session_id
        RETURNING s.last_turn_no INTO turn_no;
        begins := said.held_for IS NOT NULL AND open_turns = 0;
        INSERT INTO chat_turns
            (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, traceparent,
             status, pen, attempts, started_at, held_until)
        VALUES (said.turn_id, said.tenant_id, said.session_id, turn_no, said.model_tier, said.user_message_id,
                said.reply_message_id, said.traceparent,
                CASE WHEN begins THEN 'RUNNING' ELSE 'QUEUED' END, begins::integer, begins::integer,
                CASE WHEN begins THEN clock_timestamp() END,
                CASE WHEN begins THEN clock_timestamp() + said.held_for END)
        RETURNING * INTO turn;
        INSERT INTO chat_messages
            (id, tenant_id, session_id, turn_id, position, role, parts, client_message_id, draft_digest)
        VALUES (said.user_message_id, said.tenant_id, said.session_id, said.turn_id, turn_no * 2, 'user', said.parts,
                said.client_message_id, decode(said.draft_digest, 'hex'));
        IF begins THEN
            SELECT b.* INTO begun FROM neo_begun_of(turn) b;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
ALTER FUNCTION public.neo_accept_messages(messages jsonb) OWNER TO neo_owner;
CREATE FUNCTION public.neo_begin_turn(of_tenant uuid, turn_id uuid, held_for interval DEFAULT NULL::interval, is_first boolean DEFAULT false) RETURNS SETOF public.neo_begun
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
DECLARE
    turn chat_turns;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    UPDATE chat_turns t SET status = 'RUNNING', pen = t.pen + 1, attempts = t.attempts + 1,
        started_at = coalesce(t.started_at, clock_timestamp()), held_until = clock_timestamp() + held_for
    WHERE t.tenant_id = of_tenant AND t.id = turn_id AND (t.status = 'QUEUED' OR t.status = 'RUNNING' AND NOT (
        is_first AND (held_for IS NOT NULL OR t.held_until IS NOT NULL AND t.held_until > clock_timestamp())))
    RETURNING t.* INTO turn;
    IF FOUND THEN
        RETURN QUERY SELECT * FROM neo_begun_of(turn);
    END IF;
END
$$;
ALTER FUNCTION public.neo_begin_turn(of_tenant uuid, turn_id uuid, held_for interval, is_first boolean) OWNER TO neo_owner;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.chat_turns (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    turn_no integer NOT NULL,
    status text DEFAULT 'QUEUED'::text NOT NULL,
    model_tier text NOT NULL,
    user_message_id uuid NOT NULL,
    reply_message_id uuid NOT NULL,
    pen integer DEFAULT 0 NOT NULL,
    terminal_n integer,
    attempts integer DEFAULT 0 NOT NULL,
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
    omitted_messages integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    swept_at timestamp with time zone,
    cancel_requested_at timestamp with time zone,
    traceparent text,
    held_until timestamp with time zone,
    CONSTRAINT chat_turns_model_tier_check CHECK ((model_tier = ANY (ARRAY['FAST'::text, 'SMART'::text]))),
    CONSTRAINT chat_turns_pen_check CHECK (((pen >= 0) AND (pen <= 65535))),
    CONSTRAINT chat_turns_status_check CHECK ((status = ANY (ARRAY['QUEUED'::text, 'RUNNING'::text, 'COMPLETED'::text, 'FAILED'::text, 'CANCELLED'::text]))),
    CONSTRAINT chat_turns_turn_no_check CHECK ((turn_no > 0))
);
ALTER TABLE ONLY public.chat_turns FORCE ROW LEVEL SECURITY;
ALTER TABLE public.chat_turns OWNER TO neo_owner;
CREATE FUNCTION public.neo_begun_of(turn public.chat_turns) RETURNS SETOF public.neo_begun
    LANGUAGE sql STABLE
    AS $$
    SELECT turn.id, turn.tenant_id, turn.session_id, turn.turn_no, turn.status, turn.model_tier,
           turn.reply_message_id, turn.pen, turn.attempts, turn.created_at,
           turn.cancel_requested_at, turn.traceparent,
           s.continues_provider, s.continues_region, s.continues_response_id, s.continues_turn_no,
           a.instructions, a.model, a.reasoning_effort, m.id, m.parts,
           c.custom_instructions_for_user_facing_chat
    FROM chat_sessions s
    JOIN agents a ON a.tenant_id = s.tenant_id AND a.id = s.agent_id
    JOIN chat_messages m ON m.tenant_id = s.tenant_id AND m.id = turn.user_message_id
    LEFT JOIN end_companies c ON c.tenant_id = s.tenant_id AND c.psa_company_id = s.end_company_id
    WHERE s.tenant_id = turn.tenant_id AND s.id = turn.session_id
$$;
ALTER FUNCTION public.neo_begun_of(turn public.chat_turns) OWNER TO neo_owner;
CREATE FUNCTION public.neo_cancelled_turns(turns uuid[]) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT t.id FROM chat_turns t
    WHERE t.id = ANY (turns) AND (t.cancel_requested_at IS NOT NULL OR t.status NOT IN ('QUEUED', 'RUNNING'))
$$;
ALTER FUNCTION public.neo_cancelled_turns(turns uuid[]) OWNER TO neo_owner;
CREATE FUNCTION public.neo_end_turn(of_tenant uuid, of_session uuid, turn_id uuid, held_pen integer, ended_as text, ended_at_n integer, outcome jsonb, answer jsonb, goes_on jsonb) RETURNS TABLE(id uuid, status text, finish_reason text, error_code text, error_message text, provider text, region text, model text, input_tokens integer, output_tokens integer, cached_tokens integer, first_token_ms integer, total_ms integer, omitted_messages integer, created_at timestamp with time zone, ended_at timestamp with time zone, following_id uuid)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    PERFORM 1 FROM chat_sessions s WHERE s.tenant_id = of_tenant AND s.id = of_session FOR UPDATE;
    RETURN QUERY
    WITH closed AS (
        UPDATE chat_turns t SET
            status = CASE WHEN ended_as = 'COMPLETED' AND t.cancel_requested_at IS NOT NULL
                          THEN 'CANCELLED' ELSE ended_as END,
            terminal_n = ended_at_n,
            ended_at = clock_timestamp(),
            finish_reason = said.finish_reason, error_code = said.error_code, error_message = said.error_message,
            provider = said.provider, region = said.region, model = said.model,
            input_tokens = said.input_tokens, output_tokens = said.output_tokens, cached_tokens = said.cached_tokens,
            first_token_ms = said.first_token_ms, total_ms = said.total_ms,
            omitted_messages = coalesce(said.omitted_messages, 0)
        FROM jsonb_to_record(outcome) AS said (
            finish_reason text, error_code text, error_message text, provider text, region text, model text,
            input_tokens int, output_tokens int, cached_tokens int, first_token_ms int, total_ms int,
            omitted_messages int)
        WHERE t.tenant_id = of_tenant AND t.id = turn_id AND t.pen = held_pen AND t.status IN ('QUEUED', 'RUNNING')
        RETURNING t.*
    ), kept AS (
        INSERT INTO chat_messages (id, tenant_id, session_id, turn_id, position, role, parts)
        SELECT c.reply_message_id, c.tenant_id, c.session_id, c.id, c.turn_no * 2 + 1, 'assistant', answer
        FROM closed c WHERE answer IS NOT NULL
    ), touched AS (
        UPDATE chat_sessions s SET updated_at = now(),
            continues_provider = CASE WHEN goes_on IS NULL THEN s.continues_provider ELSE on_from.provider END,
            continues_region = CASE WHEN goes_on IS NULL THEN s.continues_region ELSE on_from.region END,
            continues_response_id =
                CASE WHEN goes_on IS NULL THEN s.continues_response_id ELSE on_from.response_id END,
            continues_turn_no = CASE WHEN goes_on IS NULL THEN s.continues_turn_no ELSE c.turn_no END
        FROM closed c, jsonb_to_record(coalesce(goes_on, '{}')) AS on_from (
            provider text, region text, response_id text)
        WHERE s.tenant_id = of_tenant AND s.id = of_session
    )
    SELECT c.id, c.status, c.finish_reason, c.error_code, c.error_message, c.provider,
           c.region, c.model, c.input_tokens, c.output_tokens, c.cached_tokens,
           c.first_token_ms, c.total_ms, c.omitted_messages, c.created_at, c.ended_at,
           (SELECT o.id FROM chat_turns o
            WHERE o.tenant_id = of_tenant AND o.session_id = of_session AND o.id <> turn_id
              AND o.status IN ('QUEUED', 'RUNNING')
            ORDER BY o.turn_no LIMIT 1)
    FROM closed c;
END
$$;
ALTER FUNCTION public.neo_end_turn(of_tenant uuid, of_session uuid, turn_id uuid, held_pen integer, ended_as text, ended_at_n integer, outcome jsonb, answer jsonb, goes_on jsonb) OWNER TO neo_owner;
CREATE FUNCTION public.neo_find_api_keys(digests bytea[]) RETURNS TABLE(digest bytea, id uuid, tenant_id uuid, account_id uuid, is_platform boolean, is_live boolean, is_suspended boolean, last_used_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT k.digest, k.id, k.tenant_id, k.account_id, t.is_platform,
           k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()),
           t.suspended_at IS NOT NULL, k.last_used_at
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.digest = ANY (digests)
$$;
ALTER FUNCTION public.neo_find_api_keys(digests bytea[]) OWNER TO neo_owner;
CREATE FUNCTION public.neo_find_install(bot uuid, end_client_tenant uuid) RETURNS TABLE(tenant_id uuid, channel_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT c.tenant_id, c.id
    FROM channels c
    JOIN channel_installs i ON i.channel_id = c.id AND i.end_client_tenant_id = end_client_tenant
    JOIN tenants t ON t.id = c.tenant_id
    WHERE c.bot_id = bot AND c.audience = 'END_USER' AND c.status = 'ACTIVE' AND c.deleted_at IS NULL
      AND t.suspended_at IS NULL
$$;
ALTER FUNCTION public.neo_find_install(bot uuid, end_client_tenant uuid) OWNER TO neo_owner;
CREATE FUNCTION public.neo_find_relayed_session(session uuid, actor_tenant uuid, account uuid) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT s.tenant_id FROM chat_sessions s JOIN tenants t ON t.id = s.tenant_id
    WHERE s.id = session AND s.actor_tenant_id = actor_tenant AND s.account_id = account
      AND t.suspended_at IS NULL
$$;
ALTER FUNCTION public.neo_find_relayed_session(session uuid, actor_tenant uuid, account uuid) OWNER TO neo_owner;
CREATE FUNCTION public.neo_find_session_token(token uuid) RETURNS TABLE(tenant_id uuid, session_id uuid, account_id uuid, is_live boolean, is_suspended boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT s.tenant_id, s.id, s.account_id,
           k.revoked_at IS NULL AND k.expires_at > now() AND s.archived_at IS NULL,
           t.suspended_at IS NOT NULL
    FROM session_tokens k
    JOIN chat_sessions s ON s.tenant_id = k.tenant_id AND s.id = k.session_id
    JOIN tenants t ON t.id = k.tenant_id
    WHERE k.jti = token
$$;
ALTER FUNCTION public.neo_find_session_token(token uuid) OWNER TO neo_owner;
CREATE FUNCTION public.neo_find_technician(entra_tenant uuid, technician uuid) RETURNS TABLE(tenant_id uuid, is_suspended boolean, role text, is_active boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT t.id, t.suspended_at IS NOT NULL, p.role, p.is_active
    FROM tenants t LEFT JOIN technicians p ON p.tenant_id = t.id AND p.user_id = technician
    WHERE t.entra_tenant_id = entra_tenant
$$;
ALTER FUNCTION public.neo_find_technician(entra_tenant uuid, technician uuid) OWNER TO neo_owner;
CREATE FUNCTION public.neo_glance(of_tenant uuid, session_ids uuid[]) RETURNS TABLE(id uuid, tenant_id uuid, account_id uuid, actor_tenant_id uuid, channel text, show_agent_progress_steps boolean, turn_no integer, status text, pen integer, terminal_n integer)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    RETURN QUERY
    SELECT s.id, s.tenant_id, s.account_id, s.actor_tenant_id, s.channel, s.show_agent_progress_steps,
           t.turn_no, t.status, t.pen, t.terminal_n
    FROM chat_sessions s
    LEFT JOIN LATERAL (
        SELECT turn_no, status, pen, terminal_n FROM chat_turns
        WHERE tenant_id = s.tenant_id AND session_id = s.id ORDER BY turn_no DESC LIMIT 1
    ) t ON true
    WHERE s.tenant_id = of_tenant AND s.id = ANY (session_ids);
END
$$;
ALTER FUNCTION public.neo_glance(of_tenant uuid, session_ids uuid[]) OWNER TO neo_owner;
CREATE FUNCTION public.neo_hold_turns(turns uuid[], held_for interval) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT set_config('synchronous_commit', 'off', true);
    UPDATE chat_turns t SET held_until = clock_timestamp() + held_for
    WHERE t.id IN (
        SELECT o.id FROM chat_turns o
        WHERE o.id = ANY (turns) AND o.status = 'RUNNING' AND o.held_until IS NOT NULL
        FOR UPDATE SKIP LOCKED)
$$;
ALTER FUNCTION public.neo_hold_turns(turns uuid[], held_for interval) OWNER TO neo_owner;
CREATE FUNCTION public.neo_key_holds(of_digest bytea, of_tenant uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
        WHERE k.digest = of_digest AND k.tenant_id = of_tenant
          AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND t.suspended_at IS NULL);
END
$$;
ALTER FUNCTION public.neo_key_holds(of_digest bytea, of_tenant uuid) OWNER TO neo_owner;
CREATE FUNCTION public.neo_lapsed_credentials(kinds text[], tenant_ids uuid[], ids uuid[]) RETURNS TABLE(kind text, tenant_id uuid, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
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
ALTER FUNCTION public.neo_lapsed_credentials(kinds text[], tenant_ids uuid[], ids uuid[]) OWNER TO neo_owner;
CREATE FUNCTION public.neo_of_live_keys(messages jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(m.said ORDER BY m.place), '[]')
        FROM jsonb_array_elements(messages) WITH ORDINALITY AS m (said, place)
        WHERE m.said ->> 'key_digest' IS NULL
           OR neo_key_holds(decode(m.said ->> 'key_digest', 'hex'), (m.said ->> 'tenant_id')::uuid));
END
$$;
ALTER FUNCTION public.neo_of_live_keys(messages jsonb) OWNER TO neo_owner;
CREATE FUNCTION public.neo_outbox_age() RETURNS double precision
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT extract(epoch FROM clock_timestamp() - min(greatest(t.created_at, (
        SELECT max(e.ended_at) FROM chat_turns e WHERE e.session_id = t.session_id AND e.turn_no < t.turn_no))))
    FROM chat_turns t
    WHERE t.status = 'QUEUED' AND NOT EXISTS (
        SELECT 1 FROM chat_turns e
        WHERE e.session_id = t.session_id AND e.turn_no < t.turn_no AND e.status IN ('QUEUED', 'RUNNING'))
$$;
ALTER FUNCTION public.neo_outbox_age() OWNER TO neo_owner;
CREATE FUNCTION public.neo_overdue_cancels(older_than interval, turns_max integer) RETURNS TABLE(tenant_id uuid, session_id uuid, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT t.tenant_id, t.session_id, t.id FROM chat_turns t
    WHERE t.status = 'RUNNING' AND t.cancel_requested_at < clock_timestamp() - older_than
    ORDER BY t.cancel_requested_at
    LIMIT turns_max
$$;
ALTER FUNCTION public.neo_overdue_cancels(older_than interval, turns_max integer) OWNER TO neo_owner;
CREATE FUNCTION public.neo_spent_uploads(older_than interval, rows_max integer) RETURNS TABLE(tenant_id uuid, id uuid, blob_path text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT a.tenant_id, a.id, a.blob_path FROM attachments a
    WHERE a.stored_path IS NOT NULL AND a.removed_at IS NULL AND a.used_at < now() - older_than
    ORDER BY a.used_at
    LIMIT rows_max
$$;
ALTER FUNCTION public.neo_spent_uploads(older_than interval, rows_max integer) OWNER TO neo_owner;
CREATE FUNCTION public.neo_standings(tenants uuid[], sessions uuid[]) RETURNS TABLE(id uuid, tenant_id uuid, account_id uuid, actor_tenant_id uuid, channel text, channel_id uuid, audience text, archived_at timestamp with time zone, show_agent_progress_steps boolean, access text, access_user_ids uuid[], agent_deleted_at timestamp with time zone, agent_overlap text, channel_status text, channel_overlap text, seen text)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
BEGIN
    FOR i IN 1 .. cardinality(sessions) LOOP
        PERFORM set_config('neo.tenant_id', tenants[i]::text, true);
        RETURN QUERY
        SELECT n.*, md5(n::text) FROM (
            SELECT s.id, s.tenant_id, s.account_id, s.actor_tenant_id, s.channel, s.channel_id, s.audience,
                   s.archived_at, s.show_agent_progress_steps,
                   a.access, a.access_user_ids, a.deleted_at, a.overlap, c.status, c.overlap
            FROM chat_sessions s
            JOIN agents a ON a.tenant_id = s.tenant_id AND a.id = s.agent_id
            LEFT JOIN channels c ON c.tenant_id = s.tenant_id AND c.id = s.channel_id AND c.deleted_at IS NULL
            WHERE s.tenant_id = tenants[i] AND s.id = sessions[i]
        ) n;
    END LOOP;
END
$$;
ALTER FUNCTION public.neo_standings(tenants uuid[], sessions uuid[]) OWNER TO neo_owner;
CREATE FUNCTION public.neo_sweep_turns(queued_after interval, running_after interval, turns_max integer) RETURNS TABLE(tenant_id uuid, session_id uuid, id uuid, status text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    UPDATE chat_turns t SET swept_at = clock_timestamp()
    WHERE t.id IN (
        SELECT o.id FROM chat_turns o
        WHERE o.status IN ('QUEUED', 'RUNNING')
          AND clock_timestamp() > CASE
              WHEN o.status = 'QUEUED' THEN greatest(o.created_at, o.swept_at) + queued_after
              WHEN o.held_until > coalesce(o.swept_at, '-infinity') THEN o.held_until
              ELSE greatest(o.started_at, o.swept_at) + running_after END
          AND NOT EXISTS (
              SELECT 1 FROM chat_turns e
              WHERE e.session_id = o.session_id AND e.turn_no < o.turn_no
                AND e.status IN ('QUEUED', 'RUNNING'))
          AND NOT (o.status = 'QUEUED' AND EXISTS (
              SELECT 1 FROM chat_turns b
              WHERE b.tenant_id = o.tenant_id AND b.session_id = o.session_id AND b.turn_no = o.turn_no - 1
                AND b.ended_at > clock_timestamp() - queued_after))
        ORDER BY o.created_at
        LIMIT turns_max
        FOR UPDATE SKIP LOCKED)
    RETURNING t.tenant_id, t.session_id, t.id, t.status
$$;
ALTER FUNCTION public.neo_sweep_turns(queued_after interval, running_after interval, turns_max integer) OWNER TO neo_owner;
CREATE FUNCTION public.neo_take_orphan_uploads(older_than interval, rows_max integer) RETURNS TABLE(tenant_id uuid, id uuid, blob_path text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
    SELECT a.tenant_id, a.id, a.blob_path FROM attachments a
    WHERE a.message_id IS NULL AND a.created_at < now() - older_than
    ORDER BY a.created_at
    LIMIT rows_max
$$;
ALTER FUNCTION public.neo_take_orphan_uploads(older_than interval, rows_max integer) OWNER TO neo_owner;
CREATE TABLE public.agent_versions (
    tenant_id uuid NOT NULL,
    agent_id bigint NOT NULL,
    version integer NOT NULL,
    snapshot jsonb NOT NULL,
    changed_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.agent_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE public.agent_versions OWNER TO neo_owner;
CREATE TABLE public.agents (
    id bigint NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    managed_key text,
    autonomy_type text DEFAULT 'CONVERSATIONAL'::text NOT NULL,
    instructions text DEFAULT ''::text NOT NULL,
    model text,
    reasoning_effort text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    audience text DEFAULT 'MSP'::text NOT NULL,
    access text DEFAULT 'ALL_USERS'::text NOT NULL,
    access_user_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_by uuid,
    deleted_at timestamp with time zone,
    overlap text,
    CONSTRAINT agents_access_check CHECK ((access = ANY (ARRAY['ALL_USERS'::text, 'ADMINS_ONLY'::text, 'SPECIFIC_USERS'::text]))),
    CONSTRAINT agents_audience_check CHECK ((audience = ANY (ARRAY['MSP'::text, 'END_USER'::text]))),
    CONSTRAINT agents_autonomy_type_check CHECK ((autonomy_type = ANY (ARRAY['CHAINED_ACTIONS'::text, 'AGENTIC'::text, 'CONVERSATIONAL'::text]))),
    CONSTRAINT agents_overlap_check CHECK ((overlap = ANY (ARRAY['queue'::text, 'reject'::text]))),
    CONSTRAINT agents_reasoning_effort_check CHECK ((reasoning_effort = ANY (ARRAY['none'::text, 'minimal'::text, 'low'::text, 'medium'::text, 'high'::text, 'xhigh'::text, 'max'::text])))
);
ALTER TABLE ONLY public.agents FORCE ROW LEVEL SECURITY;
ALTER TABLE public.agents OWNER TO neo_owner;
ALTER TABLE public.agents ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.agents_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
ALTER TABLE public.alembic_version OWNER TO neo_owner;
CREATE TABLE public.api_keys (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    hint text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    created_by uuid,
    rotated_at timestamp with time zone,
    last_used_at timestamp with time zone
);
ALTER TABLE ONLY public.api_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE public.api_keys OWNER TO neo_owner;
CREATE TABLE public.attachments (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    blob_path text NOT NULL,
    mime text NOT NULL,
    filename text,
    alt text,
    message_id uuid,
    "position" smallint,
    size_bytes bigint,
    etag text,
    width integer,
    height integer,
    stored_path text,
    stored_mime text,
    stored_bytes bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    used_at timestamp with time zone,
    removed_at timestamp with time zone
);
ALTER TABLE ONLY public.attachments FORCE ROW LEVEL SECURITY;
ALTER TABLE public.attachments OWNER TO neo_owner;
CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    tenant_id uuid NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_tenant_id uuid NOT NULL,
    end_user text,
    action text NOT NULL,
    object_kind text NOT NULL,
    object_id text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    request_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.audit_log FORCE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log OWNER TO neo_owner;
ALTER TABLE public.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channel_installs (
    tenant_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    end_client_tenant_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.channel_installs FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channel_installs OWNER TO neo_owner;
CREATE TABLE public.channels (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    agent_id bigint NOT NULL,
    transport text NOT NULL,
    audience text NOT NULL,
    status text DEFAULT 'ACTIVE'::text NOT NULL,
    bot_id uuid,
    internal_name text NOT NULL,
    display_name text,
    description text,
    color_icon_url text,
    outline_icon_url text,
    welcome_message text,
    relay_prefix text,
    show_agent_progress_steps boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    overlap text,
    CONSTRAINT channels_audience_check CHECK ((audience = ANY (ARRAY['MSP'::text, 'END_USER'::text]))),
    CONSTRAINT channels_overlap_check CHECK ((overlap = ANY (ARRAY['queue'::text, 'reject'::text]))),
    CONSTRAINT channels_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'DISCONNECTED'::text]))),
    CONSTRAINT channels_transport_check CHECK ((transport = ANY (ARRAY['TEAMS'::text, 'SLACK'::text, 'PORTAL'::text, 'EMAIL'::text])))
);
ALTER TABLE ONLY public.channels FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels OWNER TO neo_owner;
CREATE TABLE public.chat_messages (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    turn_id uuid NOT NULL,
    "position" bigint NOT NULL,
    role text NOT NULL,
    parts jsonb NOT NULL,
    client_message_id text,
    draft_digest bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT chat_messages_role_check CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text])))
);
ALTER TABLE ONLY public.chat_messages FORCE ROW LEVEL SECURITY;
ALTER TABLE public.chat_messages OWNER TO neo_owner;
CREATE TABLE public.chat_sessions (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    agent_id bigint NOT NULL,
    account_id uuid NOT NULL,
    title text,
    channel text NOT NULL,
    show_agent_progress_steps boolean,
    last_turn_no integer DEFAULT 0 NOT NULL,
    continues_provider text,
    continues_region text,
    continues_response_id text,
    continues_turn_no integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    archived_at timestamp with time zone,
    audience text DEFAULT 'MSP'::text NOT NULL,
    actor_tenant_id uuid,
    channel_id uuid,
    end_company_id text,
    end_user text,
    end_user_email text,
    CONSTRAINT chat_sessions_audience_check CHECK ((audience = ANY (ARRAY['MSP'::text, 'END_USER'::text]))),
    CONSTRAINT chat_sessions_channel_check CHECK ((channel = ANY (ARRAY['API'::text, 'DASHBOARD'::text, 'TEAMS'::text])))
);
ALTER TABLE ONLY public.chat_sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE public.chat_sessions OWNER TO neo_owner;
CREATE TABLE public.end_companies (
    tenant_id uuid NOT NULL,
    psa_company_id text NOT NULL,
    psa_company_name text NOT NULL,
    m365_tenant_id uuid,
    custom_instructions text,
    custom_instructions_for_user_facing_chat text,
    auto_assign_exchange_admin boolean DEFAULT false NOT NULL,
    employee_identity_provider jsonb,
    mailbox_provider jsonb,
    marketplace_company_ids jsonb DEFAULT '[]'::jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.end_companies FORCE ROW LEVEL SECURITY;
ALTER TABLE public.end_companies OWNER TO neo_owner;
CREATE TABLE public.session_tokens (
    jti uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    minted_by uuid NOT NULL,
    end_user text,
    end_user_email text,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.session_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE public.session_tokens OWNER TO neo_owner;
CREATE TABLE public.technicians (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text,
    email text,
    role text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT technicians_role_check CHECK ((role = ANY (ARRAY['Admin'::text, 'User'::text, 'Viewer'::text])))
);
ALTER TABLE ONLY public.technicians FORCE ROW LEVEL SECURITY;
ALTER TABLE public.technicians OWNER TO neo_owner;
CREATE TABLE public.tenants (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    is_platform boolean DEFAULT false NOT NULL,
    entra_tenant_id uuid,
    suspended_at timestamp with time zone,
    timezone text,
    start_business_hours integer,
    end_business_hours integer,
    human_friendly_client_name text,
    referral_code text,
    sleep_before_callback_processing_seconds integer,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenants_end_business_hours_check CHECK (((end_business_hours >= 0) AND (end_business_hours <= 24))),
    CONSTRAINT tenants_start_business_hours_check CHECK (((start_business_hours >= 0) AND (start_business_hours <= 24)))
);
ALTER TABLE ONLY public.tenants FORCE ROW LEVEL SECURITY;
ALTER TABLE public.tenants OWNER TO neo_owner;
INSERT INTO public.agent_versions VALUES ('86c860b8-0e6b-4862-989b-6d2dc923e1b0', 1, 1, '{"name": "Neo Support", "model": null, "access": "ALL_USERS", "overlap": null, "audience": "MSP", "description": "", "instructions": "You are Neo Support, an assistant for the technicians of a managed service provider. Answer briefly and accurately, in Markdown. Say so when you do not know.", "autonomy_type": "CONVERSATIONAL", "access_user_ids": [], "reasoning_effort": null}', NULL, '2026-11-30 02:55:21.882397+00');
INSERT INTO public.agent_versions VALUES ('86c860b8-0e6b-4862-989b-6d2dc923e1b0', 2, 1, '{"name": "Test agent", "model": "scripted:status=400", "access": "ALL_USERS", "overlap": null, "audience": "MSP", "description": "", "instructions": "", "autonomy_type": "CONVERSATIONAL", "access_user_ids": [], "reasoning_effort": null}', NULL, '2026-11-30 02:55:23.854125+00');
INSERT INTO public.agent_versions VALUES ('86c860b8-0e6b-4862-989b-6d2dc923e1b0', 3, 1, '{"name": "Test agent", "model": "scripted:tokens=400,delay_ms=50", "access": "ALL_USERS", "overlap": null, "audience": "MSP", "description": "", "instructions": "", "autonomy_type": "CONVERSATIONAL", "access_user_ids": [], "reasoning_effort": null}', NULL, '2026-11-30 02:55:23.954329+00');
INSERT INTO public.agent_versions VALUES ('b2892110-27d7-4d41-b1b6-a1b53ed130c9', 4, 1, '{"name": "Neo Support", "model": null, "access": "ALL_USERS", "overlap": null, "audience": "MSP", "description": "", "instructions": "You are Neo Support, an assistant for the technicians of a managed service provider. Answer briefly and accurately, in Markdown. Say so when you do not know.", "autonomy_type": "CONVERSATIONAL", "access_user_ids": [], "reasoning_effort": null}', NULL, '2026-11-30 02:55:25.316812+00');
INSERT INTO public.agent_versions VALUES ('86c860b8-0e6b-4862-989b-6d2dc923e1b0', 5, 1, '{"name": "Test agent", "model": "scripted:tokens=500,delay_ms=100", "access": "ALL_USERS", "overlap": null, "audience": "MSP", "description": "", "instructions": "", "autonomy_type": "CONVERSATIONAL", "access_user_ids": [], "reasoning_effort": null}', NULL, '2026-11-30 02:55:25.488126+00');
INSERT INTO public.agents OVERRIDING SYSTEM VALUE VALUES (1, '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'Neo Support', 'NEO_SUPPORT', 'CONVERSATIONAL', 'You are Neo Support, an assistant for the technicians of a managed service provider. Answer briefly and accurately, in Markdown. Say so when you do not know.', NULL, NULL, '2026-11-30 02:55:21.882397+00', '2026-11-30 02:55:21.882397+00', '', 'MSP', 'ALL_USERS', '{}', 1, NULL, NULL, NULL);
INSERT INTO public.agents OVERRIDING SYSTEM VALUE VALUES (2, '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'Test agent', NULL, 'CONVERSATIONAL', '', 'scripted:status=400', NULL, '2026-11-30 02:55:23.854125+00', '2026-11-30 02:55:23.854125+00', '', 'MSP', 'ALL_USERS', '{}', 1, NULL, NULL, NULL);
INSERT INTO public.agents OVERRIDING SYSTEM VALUE VALUES (3, '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'Test agent', NULL, 'CONVERSATIONAL', '', 'scripted:tokens=400,delay_ms=50', NULL, '2026-11-30 02:55:23.954329+00', '2026-11-30 02:55:23.954329+00', '', 'MSP', 'ALL_USERS', '{}', 1, NULL, NULL, NULL);
INSERT INTO public.agents OVERRIDING SYSTEM VALUE VALUES (4, 'b2892110-27d7-4d41-b1b6-a1b53ed130c9', 'Neo Support', 'NEO_SUPPORT', 'CONVERSATIONAL', 'You are Neo Support, an assistant for the technicians of a managed service provider. Answer briefly and accurately, in Markdown. Say so when you do not know.', NULL, NULL, '2026-11-30 02:55:25.316812+00', '2026-11-30 02:55:25.316812+00', '', 'MSP', 'ALL_USERS', '{}', 1, NULL, NULL, NULL);
INSERT INTO public.agents OVERRIDING SYSTEM VALUE VALUES (5, '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'Test agent', NULL, 'CONVERSATIONAL', '', 'scripted:tokens=500,delay_ms=100', NULL, '2026-11-30 02:55:25.488126+00', '2026-11-30 02:55:25.488126+00', '', 'MSP', 'ALL_USERS', '{}', 1, NULL, NULL, NULL);
INSERT INTO public.alembic_version VALUES ('0010');
INSERT INTO public.api_keys VALUES ('dabff150-17de-4b15-ab0d-adc32c331057', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'dabff150-17de-4b15-ab0d-adc32c331057', 'First key', '\x57f9d7a6cdf0ea845b89dc2c6fa0db79b6384c6947950db0b2c9781fb8ea4f56', 'Tcjd', '2026-11-30 02:55:21.95172+00', NULL, NULL, NULL, NULL, '2026-11-30 02:55:22.69896+00');
INSERT INTO public.api_keys VALUES ('ecc1f7a0-2e6f-4afe-9aee-1407cc6d8695', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'ecc1f7a0-2e6f-4afe-9aee-1407cc6d8695', 'kept', '\xc22445c2f019eb57435d99ec78441b0167e168ed9f0219a56cbd01691c8f534a', '0FFM', '2026-11-30 02:55:25.210695+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.api_keys VALUES ('3484e072-e3af-4804-b2c4-54aa2d7a7ddf', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '3484e072-e3af-4804-b2c4-54aa2d7a7ddf', 'rotated', '\x75d9b8f1e137289db471d6d8875f6cbe0eefb7bd02ad2f9d13c5bbf663abfbae', 'tbuN', '2026-11-30 02:55:25.230988+00', '2026-12-01 02:55:25.230988+00', NULL, NULL, '2026-11-30 02:55:25.230988+00', NULL);
INSERT INTO public.api_keys VALUES ('9f202de5-7e7c-46c7-97b0-c92346c40a6a', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '3484e072-e3af-4804-b2c4-54aa2d7a7ddf', 'rotated', '\x34fb20c19038d53e86ca8a5736f24d839792ddb313e89b879e0deae9fd69d1a0', 'SA2F', '2026-11-30 02:55:25.230988+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.api_keys VALUES ('7d315139-13ed-44b6-93b1-54630eb7c4fa', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '7d315139-13ed-44b6-93b1-54630eb7c4fa', 'revoked', '\xcca6ad134fe5aa5b5e3d58fa5d2ff8266a91f6df6f0a754757e51599117de0da', '4iUU', '2026-11-30 02:55:25.261024+00', NULL, '2026-11-30 02:55:25.261024+00', NULL, NULL, NULL);
INSERT INTO public.api_keys VALUES ('7aa70e8c-b48a-4296-a8ec-5f6786472010', 'b2892110-27d7-4d41-b1b6-a1b53ed130c9', '7aa70e8c-b48a-4296-a8ec-5f6786472010', 'test', '\x48ef9df3dc4ecda0d00f34347fa8a9fd73a6726d6d94d6a48cf9a17513845525', 'MJan', '2026-11-30 02:55:25.33844+00', NULL, NULL, NULL, NULL, '2026-11-30 02:55:25.411891+00');
INSERT INTO public.attachments VALUES ('b69ba4d3-c9f0-45f7-9e0e-e6eec15cc148', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'eb715e58-1b68-436a-b6b9-c53bdbf415d2', '86c860b8-0e6b-4862-989b-6d2dc923e1b0/eb715e58-1b68-436a-b6b9-c53bdbf415d2/b69ba4d3-c9f0-45f7-9e0e-e6eec15cc148', 'image/png', NULL, 'A picture', '8d2415be-1382-4e59-8959-e3678744bb15', 0, 101, '"20c271-661758a8603aa-65"', 40, 30, '86c860b8-0e6b-4862-989b-6d2dc923e1b0/eb715e58-1b68-436a-b6b9-c53bdbf415d2/normalised/b69ba4d3-c9f0-45f7-9e0e-e6eec15cc148', 'image/jpeg', 654, '2026-11-30 02:55:23.226959+00', '2026-11-30 02:55:23.43434+00', NULL);
INSERT INTO public.attachments VALUES ('15f5e12a-2b21-470f-829c-d30830990bf3', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'eb715e58-1b68-436a-b6b9-c53bdbf415d2', '86c860b8-0e6b-4862-989b-6d2dc923e1b0/eb715e58-1b68-436a-b6b9-c53bdbf415d2/15f5e12a-2b21-470f-829c-d30830990bf3', 'image/png', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-30 02:55:23.752918+00', NULL, NULL);
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'operator', NULL, '86c860b8-0e6b-4862-989b-6d2dc923e1b0', NULL, 'tenant.created', 'tenant', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '{}', NULL, '2026-11-30 02:55:21.882397+00');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (2, 'b2892110-27d7-4d41-b1b6-a1b53ed130c9', 'operator', NULL, 'b2892110-27d7-4d41-b1b6-a1b53ed130c9', NULL, 'tenant.created', 'tenant', 'b2892110-27d7-4d41-b1b6-a1b53ed130c9', '{}', NULL, '2026-11-30 02:55:25.316812+00');
INSERT INTO public.chat_messages VALUES ('2aeacc6d-1c5e-4f8d-8fd9-726b24971717', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '9cb184ec-93c0-4593-b387-8d1562eda600', 'd38d3755-b287-4768-84fa-df13862fbebc', 2, 'user', '[{"text": "Hello", "type": "text"}]', 'm-Hel', '\x13826540658208f45e2ff227c9b462652a18d5aca98f33c24eebfcb1e19d8fc2', '2026-11-30 02:55:22.79813+00');
INSERT INTO public.chat_messages VALUES ('95593fef-0c00-4635-85e2-b57b1e0d32a3', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '9cb184ec-93c0-4593-b387-8d1562eda600', 'd38d3755-b287-4768-84fa-df13862fbebc', 3, 'assistant', '[{"type": "step-start"}, {"text": "w1 w2 w3 w4 w5 ", "type": "text", "state": "done"}]', NULL, NULL, '2026-11-30 02:55:22.967981+00');
INSERT INTO public.chat_messages VALUES ('8c3d8495-6f88-4478-a5d6-b9c26484a8f7', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '9cb184ec-93c0-4593-b387-8d1562eda600', '2e091588-f72a-4695-8f7c-f6fec0a9cf3e', 4, 'user', '[{"text": "And again", "type": "text"}]', 'm-And', '\xd935f6da9cf757ee9bf53622ee9ef615922bb672f1675c3f9d4464a3251263b8', '2026-11-30 02:55:23.045844+00');
INSERT INTO public.chat_messages VALUES ('30ef4f0d-df1d-4739-869c-84fcdd797d1b', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '9cb184ec-93c0-4593-b387-8d1562eda600', '2e091588-f72a-4695-8f7c-f6fec0a9cf3e', 5, 'assistant', '[{"type": "step-start"}, {"text": "w1 w2 w3 w4 w5 ", "type": "text", "state": "done"}]', NULL, NULL, '2026-11-30 02:55:23.104978+00');
INSERT INTO public.chat_messages VALUES ('8d2415be-1382-4e59-8959-e3678744bb15', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'eb715e58-1b68-436a-b6b9-c53bdbf415d2', '46c46795-df8d-4f38-bd16-d23179e25e8c', 2, 'user', '[{"text": "What is this?", "type": "text"}, {"type": "file", "attachment_id": "b69ba4d3-c9f0-45f7-9e0e-e6eec15cc148"}]', NULL, '\xb85dd8e531627415bb1c48e513a67f311a707ff0c66193a6d597bdb10ea4a9db', '2026-11-30 02:55:23.43434+00');
INSERT INTO public.chat_messages VALUES ('a60b387f-e316-4e37-b2ba-01bcf71e9776', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'eb715e58-1b68-436a-b6b9-c53bdbf415d2', '46c46795-df8d-4f38-bd16-d23179e25e8c', 3, 'assistant', '[{"type": "step-start"}, {"text": "w1 w2 w3 w4 w5 ", "type": "text", "state": "done"}]', NULL, NULL, '2026-11-30 02:55:23.732295+00');
INSERT INTO public.chat_messages VALUES ('1e046a14-944c-41f7-bc5e-9f4b2757e6d3', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '13091875-9ec9-4c86-963c-9669adcbbe25', 'c0cd9762-4351-457b-bee9-66b811be3c9e', 2, 'user', '[{"text": "Fail, please", "type": "text"}]', NULL, '\x4765112b413983ebb1f6ae40be4335eeb3eaf0d76cab41849b559087fa822073', '2026-11-30 02:55:23.925403+00');
INSERT INTO public.chat_messages VALUES ('ea1663ad-c8cb-4977-9f29-28907d538210', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '822062c7-74ad-4d00-9ce3-492bf7bd662a', '9a21af86-5e1f-41bf-acc3-f89eee5beb58', 2, 'user', '[{"text": "Talk for long", "type": "text"}]', NULL, '\x6b9e79d248f3ac0520c6e5433d519c0714f7474b808d82e10c8f4795a9f162f4', '2026-11-30 02:55:23.986416+00');
INSERT INTO public.chat_messages VALUES ('a4dd7530-658d-4ac5-9faf-f3155d3a2b8a', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '822062c7-74ad-4d00-9ce3-492bf7bd662a', '543262e0-1e92-4bf8-a2d6-7580166a8186', 4, 'user', '[{"text": "Wait", "type": "text"}]', NULL, '\xa00fe9ad0a9da84edfa31f4ea8367987973e7881ad6e2f58c10df37ab8d4517d', '2026-11-30 02:55:24.00133+00');
INSERT INTO public.chat_messages VALUES ('b7c2e674-6ff5-448f-b0d4-6cdfa7baa6ad', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '822062c7-74ad-4d00-9ce3-492bf7bd662a', '9a21af86-5e1f-41bf-acc3-f89eee5beb58', 3, 'assistant', '[{"type": "step-start"}, {"text": "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17 w18 w19 w20 w21 w22 ", "type": "text", "state": "done"}]', NULL, NULL, '2026-11-30 02:55:25.084308+00');
INSERT INTO public.chat_messages VALUES ('4eafbf0e-f926-4213-afb3-7b4e03d59f37', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '8645c59d-5dad-4316-afc4-d6158fb0addb', '3e361b08-387a-4c0c-af74-8f43424df7a9', 2, 'user', '[{"text": "Goodbye", "type": "text"}]', NULL, '\x93121cef31cd0c7b03a63df22835840e30df275dc1728fbe5fa3e4405efd2aa6', '2026-11-30 02:55:25.118015+00');
INSERT INTO public.chat_messages VALUES ('d0793902-0391-45b1-bc87-2f3ffbd16825', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '8645c59d-5dad-4316-afc4-d6158fb0addb', '3e361b08-387a-4c0c-af74-8f43424df7a9', 3, 'assistant', '[{"type": "step-start"}, {"text": "w1 w2 w3 w4 w5 ", "type": "text", "state": "done"}]', NULL, NULL, '2026-11-30 02:55:25.150446+00');
INSERT INTO public.chat_messages VALUES ('6885b485-497a-44f1-b7aa-a091e33290be', 'b2892110-27d7-4d41-b1b6-a1b53ed130c9', '8874a4ce-0cf1-4a9a-91b6-29b119eea4dc', '777103e5-de7f-4ef8-9ef8-d36200ad7813', 2, 'user', '[{"text": "Mine alone", "type": "text"}]', NULL, '\x4249d785af29de80d7ba9ecc85997fed3c055727b816d1db6c4181b23829633e', '2026-11-30 02:55:25.424044+00');
INSERT INTO public.chat_messages VALUES ('9ffdda63-61f5-4932-bfba-79b3452c8054', 'b2892110-27d7-4d41-b1b6-a1b53ed130c9', '8874a4ce-0cf1-4a9a-91b6-29b119eea4dc', '777103e5-de7f-4ef8-9ef8-d36200ad7813', 3, 'assistant', '[{"type": "step-start"}, {"text": "w1 w2 w3 w4 w5 ", "type": "text", "state": "done"}]', NULL, NULL, '2026-11-30 02:55:25.450902+00');
INSERT INTO public.chat_messages VALUES ('dfa7d49f-f834-4545-9901-53ddb1412cc1', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '8c3d9613-c257-4b7f-9e64-ea1166c808d8', 'bbf68ec7-477e-4f05-80ee-cbd716eb885d', 2, 'user', '[{"text": "Answer for a minute", "type": "text"}]', NULL, '\xc74938d83820e66604fa95e12828652a26bb66fa5066cbdd0c9849aa73f1e21c', '2026-11-30 02:55:25.516154+00');
INSERT INTO public.chat_messages VALUES ('c078b2fd-8914-406f-be05-191aa9dfd276', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '8c3d9613-c257-4b7f-9e64-ea1166c808d8', 'c117abd1-2bee-4fc3-8c49-ea380090e87e', 4, 'user', '[{"text": "And then this", "type": "text"}]', NULL, '\xffd86e61c9eb7ad58d45429ee62f45e6ca80204bfd948ff5755bbe78078e71f2', '2026-11-30 02:55:25.523109+00');
INSERT INTO public.chat_sessions VALUES ('9cb184ec-93c0-4593-b387-8d1562eda600', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 1, 'dabff150-17de-4b15-ab0d-adc32c331057', 'Hello', 'API', NULL, 2, 'scripted', 'local', 'resp_390d1358758c4ac281a98cbdfe8469e9', 2, '2026-11-30 02:55:22.650222+00', '2026-11-30 02:55:23.104978+00', NULL, 'MSP', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.chat_sessions VALUES ('eb715e58-1b68-436a-b6b9-c53bdbf415d2', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 1, 'dabff150-17de-4b15-ab0d-adc32c331057', 'What is this?', 'API', NULL, 1, 'scripted', 'local', 'resp_9d5618d98c6344bda8f5fd5c5f86b167', 1, '2026-11-30 02:55:23.160987+00', '2026-11-30 02:55:23.732295+00', NULL, 'MSP', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.chat_sessions VALUES ('13091875-9ec9-4c86-963c-9669adcbbe25', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 2, 'dabff150-17de-4b15-ab0d-adc32c331057', 'Fail, please', 'API', NULL, 1, NULL, NULL, NULL, NULL, '2026-11-30 02:55:23.907694+00', '2026-11-30 02:55:23.942204+00', NULL, 'MSP', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.chat_sessions VALUES ('822062c7-74ad-4d00-9ce3-492bf7bd662a', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 3, 'dabff150-17de-4b15-ab0d-adc32c331057', 'Talk for long', 'API', NULL, 2, 'scripted', 'local', NULL, 1, '2026-11-30 02:55:23.970081+00', '2026-11-30 02:55:25.084308+00', NULL, 'MSP', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.chat_sessions VALUES ('8645c59d-5dad-4316-afc4-d6158fb0addb', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 1, 'dabff150-17de-4b15-ab0d-adc32c331057', 'Goodbye', 'API', NULL, 1, 'scripted', 'local', 'resp_21142bfd210848999e5336d4e06bcd16', 1, '2026-11-30 02:55:25.101125+00', '2026-11-30 02:55:25.179688+00', '2026-11-30 02:55:25.179688+00', 'MSP', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.chat_sessions VALUES ('8874a4ce-0cf1-4a9a-91b6-29b119eea4dc', 'b2892110-27d7-4d41-b1b6-a1b53ed130c9', 4, '7aa70e8c-b48a-4296-a8ec-5f6786472010', 'Mine alone', 'API', NULL, 1, 'scripted', 'local', 'resp_4aedfdac852d465dabe78fe6762b9633', 1, '2026-11-30 02:55:25.409718+00', '2026-11-30 02:55:25.450902+00', NULL, 'MSP', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.chat_sessions VALUES ('8c3d9613-c257-4b7f-9e64-ea1166c808d8', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 5, 'dabff150-17de-4b15-ab0d-adc32c331057', 'Answer for a minute', 'API', NULL, 2, NULL, NULL, NULL, NULL, '2026-11-30 02:55:25.501276+00', '2026-11-30 02:55:25.523109+00', NULL, 'MSP', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.chat_turns VALUES ('d38d3755-b287-4768-84fa-df13862fbebc', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '9cb184ec-93c0-4593-b387-8d1562eda600', 1, 'COMPLETED', 'FAST', '2aeacc6d-1c5e-4f8d-8fd9-726b24971717', '95593fef-0c00-4635-85e2-b57b1e0d32a3', 1, 7, 1, 'stop', NULL, NULL, 'scripted', 'local', 'tokens=5,delay_ms=1', 41, 5, 0, 142, 151, 0, '2026-11-30 02:55:22.79813+00', '2026-11-30 02:55:22.804633+00', '2026-11-30 02:55:22.975733+00', NULL, NULL, NULL, '2026-11-30 02:55:26.804633+00');
INSERT INTO public.chat_turns VALUES ('2e091588-f72a-4695-8f7c-f6fec0a9cf3e', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '9cb184ec-93c0-4593-b387-8d1562eda600', 2, 'COMPLETED', 'FAST', '8c3d8495-6f88-4478-a5d6-b9c26484a8f7', '30ef4f0d-df1d-4739-869c-84fcdd797d1b', 1, 8, 1, 'stop', NULL, NULL, 'scripted', 'local', 'tokens=5,delay_ms=1', 88, 5, 46, 23, 55, 0, '2026-11-30 02:55:23.045844+00', '2026-11-30 02:55:23.048813+00', '2026-11-30 02:55:23.106486+00', NULL, NULL, NULL, '2026-11-30 02:55:27.048813+00');
INSERT INTO public.chat_turns VALUES ('46c46795-df8d-4f38-bd16-d23179e25e8c', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'eb715e58-1b68-436a-b6b9-c53bdbf415d2', 1, 'COMPLETED', 'FAST', '8d2415be-1382-4e59-8959-e3678744bb15', 'a60b387f-e316-4e37-b2ba-01bcf71e9776', 1, 8, 1, 'stop', NULL, NULL, 'scripted', 'local', 'tokens=5,delay_ms=1', 63, 5, 0, 289, 295, 0, '2026-11-30 02:55:23.43434+00', '2026-11-30 02:55:23.462579+00', '2026-11-30 02:55:23.733545+00', NULL, NULL, NULL, '2026-11-30 02:55:27.462579+00');
INSERT INTO public.chat_turns VALUES ('c0cd9762-4351-457b-bee9-66b811be3c9e', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '13091875-9ec9-4c86-963c-9669adcbbe25', 1, 'FAILED', 'FAST', '1e046a14-944c-41f7-bc5e-9f4b2757e6d3', '917d9729-fe03-4c2b-b884-b2c1438d3b08', 1, 3, 1, NULL, 'provider_rejected', 'The model did not accept this request.', 'scripted', 'local', 'status=400', NULL, NULL, NULL, NULL, 15, 0, '2026-11-30 02:55:23.925403+00', '2026-11-30 02:55:23.927377+00', '2026-11-30 02:55:23.943601+00', NULL, NULL, NULL, '2026-11-30 02:55:27.927377+00');
INSERT INTO public.chat_turns VALUES ('543262e0-1e92-4bf8-a2d6-7580166a8186', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '822062c7-74ad-4d00-9ce3-492bf7bd662a', 2, 'CANCELLED', 'FAST', 'a4dd7530-658d-4ac5-9faf-f3155d3a2b8a', 'e4ce3758-9853-477c-b99e-a224e18e8ece', 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, '2026-11-30 02:55:24.00133+00', NULL, '2026-11-30 02:55:25.033985+00', NULL, NULL, NULL, NULL);
INSERT INTO public.chat_turns VALUES ('9a21af86-5e1f-41bf-acc3-f89eee5beb58', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '822062c7-74ad-4d00-9ce3-492bf7bd662a', 1, 'CANCELLED', 'FAST', 'ea1663ad-c8cb-4977-9f29-28907d538210', 'b7c2e674-6ff5-448f-b0d4-6cdfa7baa6ad', 1, 27, 1, 'cancelled', NULL, NULL, 'scripted', 'local', 'tokens=400,delay_ms=50', NULL, NULL, NULL, 15, 1097, 0, '2026-11-30 02:55:23.986416+00', '2026-11-30 02:55:23.98841+00', '2026-11-30 02:55:25.08755+00', NULL, '2026-11-30 02:55:25.071385+00', NULL, '2026-11-30 02:55:27.98841+00');
INSERT INTO public.chat_turns VALUES ('3e361b08-387a-4c0c-af74-8f43424df7a9', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '8645c59d-5dad-4316-afc4-d6158fb0addb', 1, 'COMPLETED', 'FAST', '4eafbf0e-f926-4213-afb3-7b4e03d59f37', 'd0793902-0391-45b1-bc87-2f3ffbd16825', 1, 8, 1, 'stop', NULL, NULL, 'scripted', 'local', 'tokens=5,delay_ms=1', 42, 5, 0, 24, 30, 0, '2026-11-30 02:55:25.118015+00', '2026-11-30 02:55:25.119833+00', '2026-11-30 02:55:25.152317+00', NULL, NULL, NULL, '2026-11-30 02:55:29.119834+00');
INSERT INTO public.chat_turns VALUES ('777103e5-de7f-4ef8-9ef8-d36200ad7813', 'b2892110-27d7-4d41-b1b6-a1b53ed130c9', '8874a4ce-0cf1-4a9a-91b6-29b119eea4dc', 1, 'COMPLETED', 'FAST', '6885b485-497a-44f1-b7aa-a091e33290be', '9ffdda63-61f5-4932-bfba-79b3452c8054', 1, 8, 1, 'stop', NULL, NULL, 'scripted', 'local', 'tokens=5,delay_ms=1', 42, 5, 0, 10, 24, 0, '2026-11-30 02:55:25.424044+00', '2026-11-30 02:55:25.424873+00', '2026-11-30 02:55:25.451393+00', NULL, NULL, NULL, '2026-11-30 02:55:29.424873+00');
INSERT INTO public.chat_turns VALUES ('bbf68ec7-477e-4f05-80ee-cbd716eb885d', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '8c3d9613-c257-4b7f-9e64-ea1166c808d8', 1, 'RUNNING', 'FAST', 'dfa7d49f-f834-4545-9901-53ddb1412cc1', '1fc7c062-8871-43ff-96c9-b85404617ab8', 1, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, '2026-11-30 02:55:25.516154+00', '2026-11-30 02:55:25.516988+00', NULL, NULL, NULL, NULL, '2026-11-30 02:55:29.516988+00');
INSERT INTO public.chat_turns VALUES ('c117abd1-2bee-4fc3-8c49-ea380090e87e', '86c860b8-0e6b-4862-989b-6d2dc923e1b0', '8c3d9613-c257-4b7f-9e64-ea1166c808d8', 2, 'QUEUED', 'FAST', 'c078b2fd-8914-406f-be05-191aa9dfd276', '9352873a-0bfa-42c5-b038-b0dec16def47', 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, '2026-11-30 02:55:25.523109+00', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.tenants VALUES ('86c860b8-0e6b-4862-989b-6d2dc923e1b0', 'First tenant', '2026-11-30 02:55:21.882397+00', false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-30 02:55:21.882397+00');
INSERT INTO public.tenants VALUES ('b2892110-27d7-4d41-b1b6-a1b53ed130c9', 'Another tenant', '2026-11-30 02:55:25.316812+00', false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-30 02:55:25.316812+00');
SELECT pg_catalog.setval('public.agents_id_seq', 33, true);
SELECT pg_catalog.setval('public.audit_log_id_seq', 33, true);
ALTER TABLE ONLY public.agent_versions
    ADD CONSTRAINT agent_versions_pkey PRIMARY KEY (agent_id, version);
ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_tenant_id_managed_key_key UNIQUE (tenant_id, managed_key);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_digest_key UNIQUE (digest);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.attachments
    ADD CONSTRAINT attachments_blob_path_key UNIQUE (blob_path);
ALTER TABLE ONLY public.attachments
    ADD CONSTRAINT attachments_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channel_installs
    ADD CONSTRAINT channel_installs_pkey PRIMARY KEY (channel_id, end_client_tenant_id);
ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE ONLY public.chat_messages
    ADD CONSTRAINT chat_messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chat_messages
    ADD CONSTRAINT chat_messages_session_id_client_message_id_key UNIQUE (session_id, client_message_id);
ALTER TABLE ONLY public.chat_messages
    ADD CONSTRAINT chat_messages_session_id_position_key UNIQUE (session_id, "position");
ALTER TABLE ONLY public.chat_sessions
    ADD CONSTRAINT chat_sessions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chat_sessions
    ADD CONSTRAINT chat_sessions_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE ONLY public.chat_turns
    ADD CONSTRAINT chat_turns_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chat_turns
    ADD CONSTRAINT chat_turns_session_id_turn_no_key UNIQUE (session_id, turn_no);
ALTER TABLE ONLY public.chat_turns
    ADD CONSTRAINT chat_turns_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE ONLY public.end_companies
    ADD CONSTRAINT end_companies_pkey PRIMARY KEY (tenant_id, psa_company_id);
ALTER TABLE ONLY public.session_tokens
    ADD CONSTRAINT session_tokens_pkey PRIMARY KEY (jti);
ALTER TABLE ONLY public.technicians
    ADD CONSTRAINT technicians_pkey PRIMARY KEY (tenant_id, user_id);
ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_entra_tenant_id_key UNIQUE (entra_tenant_id);
ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);
CREATE INDEX api_keys_tenant_id_idx ON public.api_keys USING btree (tenant_id, created_at);
CREATE INDEX attachments_message_id_idx ON public.attachments USING btree (tenant_id, message_id, "position");
CREATE INDEX attachments_spent_idx ON public.attachments USING btree (used_at) WHERE ((stored_path IS NOT NULL) AND (removed_at IS NULL));
CREATE INDEX attachments_unused_idx ON public.attachments USING btree (tenant_id, created_at) WHERE (message_id IS NULL);
CREATE INDEX audit_log_newest_idx ON public.audit_log USING btree (tenant_id, id DESC);
CREATE UNIQUE INDEX channels_msp_bot_idx ON public.channels USING btree (tenant_id, bot_id) WHERE ((audience = 'MSP'::text) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX channels_white_label_bot_idx ON public.channels USING btree (bot_id) WHERE ((audience = 'END_USER'::text) AND (deleted_at IS NULL));
CREATE INDEX chat_sessions_newest_idx ON public.chat_sessions USING btree (tenant_id, created_at DESC, id DESC);
CREATE INDEX chat_sessions_own_idx ON public.chat_sessions USING btree (tenant_id, account_id, created_at DESC, id DESC);
CREATE INDEX chat_turns_cancelled_idx ON public.chat_turns USING btree (cancel_requested_at) WHERE ((status = 'RUNNING'::text) AND (cancel_requested_at IS NOT NULL));
CREATE UNIQUE INDEX chat_turns_one_running_idx ON public.chat_turns USING btree (session_id) WHERE (status = 'RUNNING'::text);
CREATE INDEX chat_turns_open_idx ON public.chat_turns USING btree (session_id, turn_no) WHERE (status = ANY (ARRAY['QUEUED'::text, 'RUNNING'::text]));
CREATE INDEX end_companies_m365_tenant_id_idx ON public.end_companies USING btree (tenant_id, m365_tenant_id);
ALTER TABLE ONLY public.agent_versions
    ADD CONSTRAINT agent_versions_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);
ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.attachments
    ADD CONSTRAINT attachments_tenant_id_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES public.chat_sessions(tenant_id, id);
ALTER TABLE ONLY public.channel_installs
    ADD CONSTRAINT channel_installs_tenant_id_channel_id_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES public.channels(tenant_id, id);
ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);
ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.chat_messages
    ADD CONSTRAINT chat_messages_tenant_id_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES public.chat_sessions(tenant_id, id);
ALTER TABLE ONLY public.chat_messages
    ADD CONSTRAINT chat_messages_tenant_id_turn_id_fkey FOREIGN KEY (tenant_id, turn_id) REFERENCES public.chat_turns(tenant_id, id);
ALTER TABLE ONLY public.chat_sessions
    ADD CONSTRAINT chat_sessions_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);
ALTER TABLE ONLY public.chat_sessions
    ADD CONSTRAINT chat_sessions_tenant_id_channel_id_fkey FOREIGN KEY (tenant_id, channel_id) REFERENCES public.channels(tenant_id, id);
ALTER TABLE ONLY public.chat_sessions
    ADD CONSTRAINT chat_sessions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.chat_turns
    ADD CONSTRAINT chat_turns_tenant_id_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES public.chat_sessions(tenant_id, id);
ALTER TABLE ONLY public.end_companies
    ADD CONSTRAINT end_companies_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE ONLY public.session_tokens
    ADD CONSTRAINT session_tokens_tenant_id_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES public.chat_sessions(tenant_id, id);
ALTER TABLE ONLY public.technicians
    ADD CONSTRAINT technicians_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
ALTER TABLE public.agent_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.attachments ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channel_installs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.chat_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.chat_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.chat_turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.end_companies ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_reads ON public.api_keys FOR SELECT TO neo_owner USING (true);
CREATE POLICY owner_reads ON public.attachments FOR SELECT TO neo_owner USING (true);
CREATE POLICY owner_reads ON public.channel_installs FOR SELECT TO neo_owner USING (true);
CREATE POLICY owner_reads ON public.channels FOR SELECT TO neo_owner USING (true);
CREATE POLICY owner_reads ON public.chat_sessions FOR SELECT TO neo_owner USING (true);
CREATE POLICY owner_reads ON public.chat_turns FOR SELECT TO neo_owner USING (true);
CREATE POLICY owner_reads ON public.session_tokens FOR SELECT TO neo_owner USING (true);
CREATE POLICY owner_reads ON public.technicians FOR SELECT TO neo_owner USING (true);
CREATE POLICY owner_reads ON public.tenants FOR SELECT TO neo_owner USING (true);
CREATE POLICY owner_sweeps ON public.chat_turns FOR UPDATE TO neo_owner USING (true);
CREATE POLICY owner_writes ON public.tenants FOR UPDATE TO neo_owner USING (true);
ALTER TABLE public.session_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.technicians ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.agent_versions USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.agents USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.api_keys USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.attachments USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.audit_log USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.channel_installs USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.channels USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.chat_messages USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.chat_sessions USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.chat_turns USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.end_companies USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.session_tokens USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.technicians USING ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
CREATE POLICY tenant ON public.tenants USING ((id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((id = (NULLIF(current_setting('neo.tenant_id'::text, true), ''::text))::uuid));
ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA public TO neo_app;
REVOKE ALL ON FUNCTION public.neo_accept_messages(messages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_accept_messages(messages jsonb) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_begin_turn(of_tenant uuid, turn_id uuid, held_for interval, is_first boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_begin_turn(of_tenant uuid, turn_id uuid, held_for interval, is_first boolean) TO neo_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.chat_turns TO neo_app;
REVOKE ALL ON FUNCTION public.neo_begun_of(turn public.chat_turns) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_begun_of(turn public.chat_turns) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_cancelled_turns(turns uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_cancelled_turns(turns uuid[]) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_end_turn(of_tenant uuid, of_session uuid, turn_id uuid, held_pen integer, ended_as text, ended_at_n integer, outcome jsonb, answer jsonb, goes_on jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_end_turn(of_tenant uuid, of_session uuid, turn_id uuid, held_pen integer, ended_as text, ended_at_n integer, outcome jsonb, answer jsonb, goes_on jsonb) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_find_api_keys(digests bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_find_api_keys(digests bytea[]) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_find_install(bot uuid, end_client_tenant uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_find_install(bot uuid, end_client_tenant uuid) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_find_relayed_session(session uuid, actor_tenant uuid, account uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_find_relayed_session(session uuid, actor_tenant uuid, account uuid) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_find_session_token(token uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_find_session_token(token uuid) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_find_technician(entra_tenant uuid, technician uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_find_technician(entra_tenant uuid, technician uuid) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_glance(of_tenant uuid, session_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_glance(of_tenant uuid, session_ids uuid[]) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_hold_turns(turns uuid[], held_for interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_hold_turns(turns uuid[], held_for interval) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_key_holds(of_digest bytea, of_tenant uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_key_holds(of_digest bytea, of_tenant uuid) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_lapsed_credentials(kinds text[], tenant_ids uuid[], ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_lapsed_credentials(kinds text[], tenant_ids uuid[], ids uuid[]) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_of_live_keys(messages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_of_live_keys(messages jsonb) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_outbox_age() FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_outbox_age() TO neo_app;
REVOKE ALL ON FUNCTION public.neo_overdue_cancels(older_than interval, turns_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_overdue_cancels(older_than interval, turns_max integer) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_spent_uploads(older_than interval, rows_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_spent_uploads(older_than interval, rows_max integer) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_standings(tenants uuid[], sessions uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_standings(tenants uuid[], sessions uuid[]) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_sweep_turns(queued_after interval, running_after interval, turns_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_sweep_turns(queued_after interval, running_after interval, turns_max integer) TO neo_app;
REVOKE ALL ON FUNCTION public.neo_take_orphan_uploads(older_than interval, rows_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.neo_take_orphan_uploads(older_than interval, rows_max integer) TO neo_app;
GRANT SELECT,INSERT ON TABLE public.agent_versions TO neo_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.agents TO neo_app;
GRANT USAGE ON SEQUENCE public.agents_id_seq TO neo_app;
GRANT SELECT ON TABLE public.alembic_version TO neo_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.api_keys TO neo_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.attachments TO neo_app;
GRANT SELECT,INSERT ON TABLE public.audit_log TO neo_app;
GRANT USAGE ON SEQUENCE public.audit_log_id_seq TO neo_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.channel_installs TO neo_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.channels TO neo_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.chat_messages TO neo_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.chat_sessions TO neo_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.end_companies TO neo_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.session_tokens TO neo_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.technicians TO neo_app;
GRANT SELECT ON TABLE public.tenants TO neo_app;
GRANT INSERT(id) ON TABLE public.tenants TO neo_app;
GRANT INSERT(name),UPDATE(name) ON TABLE public.tenants TO neo_app;
GRANT INSERT(entra_tenant_id) ON TABLE public.tenants TO neo_app;
GRANT UPDATE(timezone) ON TABLE public.tenants TO neo_app;
GRANT UPDATE(start_business_hours) ON TABLE public.tenants TO neo_app;
GRANT UPDATE(end_business_hours) ON TABLE public.tenants TO neo_app;
GRANT UPDATE(human_friendly_client_name) ON TABLE public.tenants TO neo_app;
GRANT UPDATE(referral_code) ON TABLE public.tenants TO neo_app;
GRANT UPDATE(sleep_before_callback_processing_seconds) ON TABLE public.tenants TO neo_app;
GRANT UPDATE(updated_at) ON TABLE public.tenants TO neo_app;
