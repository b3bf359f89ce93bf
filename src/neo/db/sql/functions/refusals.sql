-- Whether a call may still be made, asked when it is dispatched. These run with the caller's rights in a transaction that has
-- set the tenant. What a process knows comes as `rules`: the roles that may talk and mint, and most writes in an hour.

CREATE FUNCTION neo_roles_of(rules jsonb, which text)
RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN ARRAY(SELECT jsonb_array_elements_text(rules -> which));

-- Whether whoever asked for a turn might ask for it now: their credential works as it did, they may still talk, the agent is
-- there and open to them, and no tenant is suspended. Of whom nothing is known may nothing.
CREATE FUNCTION neo_author_still_may(turn chat_turns, agent agents, rules jsonb)
RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT agent.deleted_at IS NULL AND coalesce(CASE turn.author_kind
        WHEN 'technician' THEN EXISTS (
            SELECT FROM technicians p JOIN tenants t ON t.id = p.tenant_id AND t.suspended_at IS NULL
            WHERE p.tenant_id = turn.tenant_id AND p.user_id = turn.author_id AND p.is_active
              AND p.role = ANY (neo_roles_of(rules, 'talking_roles'))
              -- Somebody who was let in again asks again.
              AND p.created_at <= turn.created_at
              AND CASE agent.access
                  WHEN 'ALL_USERS' THEN true
                  WHEN 'ADMINS_ONLY' THEN p.role = 'Admin'
                  ELSE p.user_id = ANY (agent.access_user_ids) END)
        ELSE turn.credential_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM neo_lapsed_credentials(
                ARRAY[CASE turn.author_kind WHEN 'end_user' THEN 'session_token'
                                            WHEN 'service_account' THEN 'api_key'
                                            WHEN 'platform' THEN 'api_key' END],
                ARRAY[turn.tenant_id], ARRAY[turn.credential_id], ARRAY[NULL::text],
                neo_roles_of(rules, 'minting_roles')))
        END, false)
$$;

-- Whether an agent's toolbox, as it is now, has a tool.
CREATE FUNCTION neo_toolbox_allows(toolbox jsonb, connection_id uuid, tool_name text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN jsonb_path_exists(
    toolbox,
    '$.tool_settings_by_type.*.connections[*] ? (@.connection_id == $id && (@.allow[*] == "*" || @.allow[*] == $tool))',
    jsonb_build_object('id', connection_id, 'tool', tool_name));

-- Whether one call more that may write would be too many within an hour: of a company, with those of the tier ADVANCED among
-- them, or of a connection. Sessions of no company are counted as one. Who asks holds both counts until the commit, so that
-- calls of the same moment do not all find room. A call that was sent before is counted already.
CREATE FUNCTION neo_writes_too_much(call tool_calls, company text, rules jsonb)
RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz;
BEGIN
    IF call.effect = 'READ' OR call.attempts > 0 THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(':', 'writes of', call.tenant_id, company), 0));
    PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(':', 'writes by', call.connection_id), 0));
    since := clock_timestamp() - interval '1 hour';
    RETURN neo_reaches((rules ->> 'writes_hour_company')::integer, ARRAY(
            SELECT 1 FROM tool_calls c
            WHERE c.tenant_id = call.tenant_id AND c.end_company_id = company AND c.effect <> 'READ'
              AND c.dispatched_at > since
            LIMIT (rules ->> 'writes_hour_company')::integer))
        OR call.tier = 'ADVANCED' AND neo_reaches((rules ->> 'writes_hour_company_advanced')::integer, ARRAY(
            SELECT 1 FROM tool_calls c
            WHERE c.tenant_id = call.tenant_id AND c.end_company_id = company AND c.effect <> 'READ'
              AND c.dispatched_at > since AND c.tier = 'ADVANCED'
            LIMIT (rules ->> 'writes_hour_company_advanced')::integer))
        OR neo_reaches((rules ->> 'writes_hour_connection')::integer, ARRAY(
            SELECT 1 FROM tool_calls c
            WHERE c.tenant_id = call.tenant_id AND c.connection_id = call.connection_id AND c.effect <> 'READ'
              AND c.dispatched_at > since
            LIMIT (rules ->> 'writes_hour_connection')::integer));
END
$$;

-- 0 is no bound.
CREATE FUNCTION neo_reaches(most integer, found integer[])
RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN most > 0 AND cardinality(found) >= most;

-- Why a call may not be dispatched, as a code; null: it may. One statement looks at all that may have been taken away since
-- the turn was asked for, with the stops of the tenant held as they are until the dispatch is stored.
CREATE FUNCTION neo_call_refusal(call tool_calls, turn chat_turns, rules jsonb)
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    company text;
    refusal text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(neo_tool_stops_key(turn.tenant_id));
    SELECT coalesce(s.end_company_id, ''), CASE
        WHEN NOT neo_author_still_may(turn, a, rules) THEN 'not_allowed_here'
        WHEN EXISTS (SELECT FROM tool_stops k WHERE k.tenant_id = turn.tenant_id AND neo_is_stopped_by(k, call, s))
            THEN 'tool_stopped'
        WHEN c.id IS NULL OR c.is_disabled OR c.health = 'NEEDS_AUTH' THEN 'tool_unavailable'
        WHEN g.state IS DISTINCT FROM 'PINNED' OR g.pinned_digest IS DISTINCT FROM call.tool_digest THEN 'tool_changed'
        WHEN c.audience <> s.audience OR NOT neo_toolbox_allows(a.toolbox, call.connection_id, call.tool_name)
            THEN 'not_allowed_here' END
    INTO company, refusal
    FROM chat_sessions s
    JOIN agents a ON a.tenant_id = s.tenant_id AND a.id = s.agent_id
    LEFT JOIN connections c ON c.tenant_id = turn.tenant_id AND c.id = call.connection_id
    LEFT JOIN connection_tools g ON g.tenant_id = turn.tenant_id AND g.connection_id = c.id AND g.name = call.tool_name
    WHERE s.tenant_id = turn.tenant_id AND s.id = turn.session_id;
    IF NOT FOUND THEN
        RETURN 'not_allowed_here';
    END IF;
    IF refusal IS NULL AND neo_writes_too_much(call, company, rules) THEN
        RETURN 'budget_reached';
    END IF;
    RETURN refusal;
END
$$;
