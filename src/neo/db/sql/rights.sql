-- What the application's role may do, whatever a bug or a body asks of it. `neo.app_role` names the role.
--
-- It does not write who is the platform, whose Microsoft tenant is whose once that is said, and who is suspended; it
-- deletes no key, and what is on record stays as it was written.
DO $$
DECLARE
    given text;
BEGIN
    FOREACH given IN ARRAY ARRAY[
        'REVOKE ALL ON tenants, api_keys, technicians, agents, agent_versions, channels, channel_installs, end_companies, '
            'chat_sessions, session_tokens, chat_turns, chat_messages, turn_segments, tool_calls, approval_requests, '
            'turn_processes, attachments, audit_log, alembic_version FROM %I',
        'GRANT USAGE ON SCHEMA public TO %I',
        'GRANT SELECT ON alembic_version, tenants TO %I',
        'GRANT INSERT (id, name, entra_tenant_id) ON tenants TO %I',
        'GRANT UPDATE (name, timezone, start_business_hours, end_business_hours, human_friendly_client_name, '
            'referral_code, sleep_before_callback_processing_seconds, updated_at) ON tenants TO %I',
        'GRANT SELECT, INSERT, UPDATE ON api_keys TO %I',
        'GRANT SELECT, INSERT ON agent_versions, turn_segments, audit_log TO %I',
        'GRANT SELECT, INSERT, UPDATE ON tool_calls, approval_requests TO %I',
        'GRANT SELECT ON turn_processes TO %I',
        'GRANT SELECT, INSERT, UPDATE, DELETE ON technicians, agents, channels, channel_installs, end_companies, '
            'chat_sessions, session_tokens, chat_turns, chat_messages, attachments TO %I',
        'GRANT USAGE ON SEQUENCE agents_id_seq, audit_log_id_seq TO %I']
    LOOP
        EXECUTE format(given, current_setting('neo.app_role'));
    END LOOP;
    -- PostgreSQL lets everybody call a new function.
    FOR given IN
        SELECT p.oid::regprocedure FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'neo\_%'
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', given);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', given, current_setting('neo.app_role'));
    END LOOP;
END
$$;
