-- What a tenant's agents may not call now.

-- Whoever dispatches a call shares this lock until its commit, whoever sets a stop has it alone: a stop sees the dispatches
-- before it, and those after it see the stop.
CREATE FUNCTION neo_tool_stops_key(of_tenant uuid)
RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN hashtextextended('tool stops:' || of_tenant, 0);

-- Whether a stop is one for this call. A call whose effect is not known may write.
CREATE FUNCTION neo_is_stopped_by(stop tool_stops, call tool_calls, session chat_sessions)
RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN (NOT stop.writes_only OR call.effect IS DISTINCT FROM 'READ')
   AND (stop.scope, stop.scope_id, stop.tool) IN (
        ('TENANT', call.tenant_id::text, ''),
        ('COMPANY', session.end_company_id, ''),
        ('AGENT', session.agent_id::text, ''),
        ('CONNECTION', call.connection_id::text, ''),
        ('TOOL', call.connection_id::text, call.tool_name));

-- Calls that left before a stop that would have refused them, the newest first, with the number of all.
CREATE FUNCTION neo_stopped_in_flight(of_tenant uuid, stop_id uuid, rows_max integer)
RETURNS TABLE (call_id text, turn_id uuid, session_id uuid, connection_id uuid, tool_name text,
               dispatched_at timestamptz, total bigint)
LANGUAGE sql STABLE AS $$
    SELECT c.id, c.turn_id, s.id, c.connection_id, c.tool_name, c.dispatched_at, count(*) OVER ()
    FROM tool_stops k
    JOIN tool_calls c ON c.tenant_id = k.tenant_id AND c.status = 'RUNNING'
    JOIN chat_turns t ON t.tenant_id = c.tenant_id AND t.id = c.turn_id
    JOIN chat_sessions s ON s.tenant_id = t.tenant_id AND s.id = t.session_id
    WHERE k.tenant_id = of_tenant AND k.id = stop_id AND c.connection_id IS NOT NULL AND neo_is_stopped_by(k, c, s)
    ORDER BY c.dispatched_at DESC, c.id
    LIMIT rows_max
$$;
