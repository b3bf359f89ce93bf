-- How sessions stand. These run with the caller's rights and set the tenant of each row that they look at; the setting
-- ends with the statement that called them.

-- Sessions of one tenant, each with its newest turn up to a number: what a tail begins with, and looks at again.
-- `settled_...` is the turn's last settled segment; its `last_n` is null where nobody streamed it.
CREATE FUNCTION neo_tail_snapshots(of_tenant uuid, session_ids uuid[], newest_turn_no integer DEFAULT 2147483647)
RETURNS TABLE (id uuid, tenant_id uuid, account_id uuid, actor_tenant_id uuid, channel text,
               show_agent_progress_steps boolean, turn_no integer, is_open boolean, is_waiting boolean,
               segment integer, claim integer, terminal_segment integer, terminal_claim integer, terminal_n integer,
               settled_segment integer, settled_claim integer, settled_last_n integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    RETURN QUERY
    SELECT s.id, s.tenant_id, s.account_id, s.actor_tenant_id, s.channel, s.show_agent_progress_steps,
           t.turn_no, t.status IN ('QUEUED', 'RUNNING', 'WAITING'), t.status = 'WAITING', t.segment, t.claim,
           t.terminal_segment, t.terminal_claim, t.terminal_n, g.segment, g.claim, g.last_n
    FROM chat_sessions s
    LEFT JOIN LATERAL (
        SELECT id, turn_no, status, segment, claim, terminal_segment, terminal_claim, terminal_n FROM chat_turns
        WHERE tenant_id = s.tenant_id AND session_id = s.id AND turn_no <= newest_turn_no
        ORDER BY turn_no DESC LIMIT 1
    ) t ON true
    LEFT JOIN LATERAL (
        SELECT segment, claim, last_n FROM turn_segments
        WHERE tenant_id = s.tenant_id AND turn_id = t.id ORDER BY segment DESC LIMIT 1
    ) g ON true
    WHERE s.tenant_id = of_tenant AND s.id = ANY (session_ids);
END
$$;

-- What decides who may talk in a session. `version` differs as soon as any of it does.
CREATE FUNCTION neo_session_access(tenants uuid[], sessions uuid[])
RETURNS TABLE (id uuid, tenant_id uuid, account_id uuid, actor_tenant_id uuid, channel text, channel_id uuid,
               audience text, archived_at timestamptz, show_agent_progress_steps boolean, access text,
               access_user_ids uuid[], agent_deleted_at timestamptz, agent_overlap text, channel_status text,
               channel_overlap text, version text)
LANGUAGE plpgsql AS $$
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
