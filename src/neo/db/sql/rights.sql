-- What the application's role may do, whatever a bug or a body asks of it. `neo.app_role` names the role.
--
-- It does not write who is the platform, whose a Microsoft tenant or a bot is, and who is suspended; it deletes no key and
-- makes none of the platform's (`functions/access.sql`), and what is on record stays as it was written.
DO $$
DECLARE
    app text := current_setting('neo.app_role');
    given text;
    function record;
BEGIN
    FOREACH given IN ARRAY ARRAY[
        'REVOKE ALL ON tenants, api_keys, technicians, agents, agent_versions, channels, channel_installs, end_companies, '
            'chat_sessions, session_tokens, chat_turns, chat_messages, turn_segments, tool_calls, approval_requests, '
            'turn_processes, bots, attachments, audit_log, audit_details, audit_chains, audit_anchors, data_keys, secrets, '
            'connections, connection_tools, artifacts, tool_stops, alembic_version FROM %I',
        'GRANT USAGE ON SCHEMA public TO %I',
        'GRANT SELECT ON alembic_version, tenants, audit_log, audit_details TO %I',
        'GRANT UPDATE (name, timezone, start_business_hours, end_business_hours, human_friendly_client_name, '
            'referral_code, sleep_before_callback_processing_seconds, updated_at) ON tenants TO %I',
        -- Whose digest it could read, it could act for.
        'GRANT SELECT (id, tenant_id, account_id, name, hint, created_by, created_at, expires_at, rotated_at, revoked_at, '
            'last_used_at), INSERT, UPDATE (expires_at, rotated_at, revoked_at, last_used_at) ON api_keys TO %I',
        'GRANT SELECT, INSERT ON agent_versions, turn_segments TO %I',
        'GRANT DELETE ON agent_versions TO %I',
        'GRANT SELECT, INSERT, DELETE ON artifacts TO %I',
        'GRANT SELECT, INSERT, UPDATE ON tool_calls, approval_requests TO %I',
        'GRANT SELECT ON turn_processes, bots TO %I',
        -- A data key is replaced by the operator alone.
        'GRANT SELECT, INSERT ON data_keys TO %I',
        'GRANT SELECT, INSERT, UPDATE, DELETE ON technicians, agents, channels, channel_installs, end_companies, '
            'chat_sessions, session_tokens, chat_turns, chat_messages, attachments, secrets, connections, connection_tools, '
            'tool_stops TO %I',
        'REVOKE ALL ON SEQUENCE agents_id_seq, audit_log_id_seq FROM %I',
        'GRANT USAGE ON SEQUENCE agents_id_seq TO %I',
        -- A table, type or function of its own making would stand before ours for whoever looks next.
        'REVOKE CREATE ON SCHEMA public FROM PUBLIC, %I']
    LOOP
        EXECUTE format(given, app);
    END LOOP;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, %I', current_database(), app);
    FOR function IN
        SELECT p.oid::regprocedure AS signature, p.proname LIKE 'neo\_operator\_%' AS is_operators,
               p.prosqlbody IS NOT NULL AS is_bound
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'neo\_%'
    LOOP
        -- Temporary tables and types come first for PostgreSQL unless they are named, and would be taken for ours with
        -- the rights of whom the function belongs to. A body that is bound when it is made looks for nothing.
        IF NOT function.is_bound THEN
            EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', function.signature);
        END IF;
        -- PostgreSQL lets everybody call a new function. Those of the operator are for the owner's role alone.
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function.signature);
        IF NOT function.is_operators THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', function.signature, app);
        END IF;
    END LOOP;
END
$$;
