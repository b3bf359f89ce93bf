-- What turns did, step by step: what was asked, what the model said, its calls, what was decided about them, and what
-- became of them. It is read from what the turns have left, and stored nowhere.

-- A step's place in its session, which is its id as well: 22 bits for the turn, 10 for the segment, 21 for what is in it.
CREATE FUNCTION neo_step_number(turn_no integer, segment integer, n integer)
RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN (turn_no::bigint << 31) | (segment::bigint << 21) | n;

-- What a model said comes before the calls that it asked for; of a call, the request for a decision after the call, and
-- what was decided before its outcome. Of a long text as much is read as is ever shown.
CREATE FUNCTION neo_steps_of_turn(turn chat_turns)
RETURNS TABLE (number bigint, type text, message text, call_id text, tool_type_name text, tool_name text,
               is_error boolean, data jsonb, created_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT neo_step_number(turn.turn_no, 0, 0), 'USER_MESSAGE', left(said.text, 300), NULL, NULL, NULL, false,
           jsonb_build_object('text', left(said.text, 70000)), turn.created_at
    FROM chat_messages m
    CROSS JOIN LATERAL (
        SELECT coalesce(string_agg(p.value ->> 'text', '' ORDER BY p.ordinality), '') AS text
        FROM jsonb_array_elements(m.parts) WITH ORDINALITY p WHERE p.value ->> 'type' = 'text') said
    WHERE m.tenant_id = turn.tenant_id AND m.id = turn.user_message_id
    UNION ALL
    SELECT neo_step_number(turn.turn_no, g.segment, p.ordinality::integer),
           CASE WHEN p.value ->> 'type' = 'reasoning' OR EXISTS (
                    SELECT FROM tool_calls c WHERE c.tenant_id = turn.tenant_id AND c.turn_id = turn.id
                      AND c.segment = g.segment)
                THEN 'THOUGHT' ELSE 'FINAL_MESSAGE' END,
           left(p.value ->> 'text', 300), NULL, NULL, NULL, false,
           jsonb_build_object('text', left(p.value ->> 'text', 70000), 'kind', p.value -> 'type'), g.settled_at
    FROM turn_segments g
    CROSS JOIN LATERAL jsonb_array_elements(g.parts) WITH ORDINALITY p
    WHERE g.tenant_id = turn.tenant_id AND g.turn_id = turn.id AND g.kind = 'MODEL'
      AND p.value ->> 'type' IN ('text', 'reasoning') AND p.value ->> 'text' <> ''
    UNION ALL
    SELECT neo_step_number(turn.turn_no, c.segment, 1000000 + c.position * 2), 'TOOL_CALL', coalesce(c.title, c.name),
           c.id, c.name, c.tool_name, false,
           jsonb_build_object('input', c.arguments, 'tool_name', c.tool_name, 'connection_id', c.connection_id,
                              'effect', c.effect, 'gate', c.gate),
           c.created_at
    FROM tool_calls c WHERE c.tenant_id = turn.tenant_id AND c.turn_id = turn.id
    UNION ALL
    SELECT neo_step_number(turn.turn_no, c.segment, 1000001 + c.position * 2), 'TIL_REQUESTED', coalesce(c.title, c.name),
           c.id, c.name, c.tool_name, false,
           jsonb_build_object('request_id', r.id, 'expires_at', r.expires_at), r.created_at
    FROM tool_calls c
    JOIN approval_requests r ON r.tenant_id = c.tenant_id AND r.call_id = c.id
    WHERE c.tenant_id = turn.tenant_id AND c.turn_id = turn.id
    UNION ALL
    SELECT neo_step_number(turn.turn_no, coalesce(c.outcome_segment, c.segment + 1), c.position * 2), 'TIL_RESOLVED',
           r.status, c.id, c.name, c.tool_name, false,
           jsonb_build_object('request_id', r.id, 'status', r.status), r.decided_at
    FROM tool_calls c
    JOIN approval_requests r ON r.tenant_id = c.tenant_id AND r.call_id = c.id AND r.status <> 'PENDING'
    WHERE c.tenant_id = turn.tenant_id AND c.turn_id = turn.id
    UNION ALL
    SELECT neo_step_number(turn.turn_no, coalesce(c.outcome_segment, c.segment + 1), c.position * 2 + 1), 'TOOL_RESULT',
           coalesce(left(c.outcome ->> 'error_text', 300), c.status), c.id, c.name, c.tool_name,
           c.status IN ('FAILED', 'TIMED_OUT', 'REFUSED', 'UNKNOWN'),
           jsonb_build_object('status', c.status, 'output', c.outcome -> 'output',
                              'error', CASE WHEN c.outcome ? 'error_text' THEN jsonb_build_object(
                                  'code', coalesce(c.error_code, c.outcome ->> 'code'),
                                  'text', c.outcome ->> 'error_text') END,
                              'artifact_id', c.artifact_id, 'attempts', c.attempts, 'resolution', c.resolution),
           coalesce(c.ended_at, c.created_at)
    FROM tool_calls c
    WHERE c.tenant_id = turn.tenant_id AND c.turn_id = turn.id AND c.status NOT IN ('PLANNED', 'WAITING', 'RUNNING')
    UNION ALL
    SELECT neo_step_number(turn.turn_no, 1023, 0), 'ERROR', left(turn.error_message, 300), NULL, NULL, NULL, true,
           jsonb_build_object('code', turn.error_code, 'detail', turn.error_message), turn.ended_at
    WHERE turn.error_code IS NOT NULL
$$;

-- A page of a session's steps, or of one of its turns. A last row without a type says that there may be more, after its
-- number: the page is full by rows, by bytes (`bytes_max`), or because so many turns were looked at in vain.
CREATE FUNCTION neo_execution_steps(
    of_tenant uuid, of_session uuid, of_turn uuid, after_number bigint, only_number bigint, only_types text[],
    only_tool text, with_data boolean, rows_max integer, bytes_max bigint, turns_max integer)
RETURNS TABLE (execution_id uuid, number bigint, type text, message text, call_id text, tool_type_name text,
               is_error boolean, data jsonb, created_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    turn chat_turns;
    step record;
    rows_found integer := 0;
    bytes_found bigint := 0;
    turns_seen integer := 0;
    last_number bigint := after_number;
BEGIN
    FOR turn IN
        SELECT t.* FROM chat_turns t
        WHERE t.tenant_id = of_tenant AND t.session_id = of_session AND (of_turn IS NULL OR t.id = of_turn)
          AND t.turn_no >= after_number >> 31 AND (only_number IS NULL OR t.turn_no = only_number >> 31)
        ORDER BY t.turn_no
    LOOP
        IF turns_seen = turns_max THEN
            RETURN QUERY SELECT NULL::uuid, neo_step_number(turn.turn_no, 0, 0) - 1, NULL::text, NULL::text, NULL::text,
                NULL::text, NULL::boolean, NULL::jsonb, NULL::timestamptz;
            RETURN;
        END IF;
        turns_seen := turns_seen + 1;
        FOR step IN
            SELECT s.* FROM neo_steps_of_turn(turn) s
            WHERE s.number > after_number AND (only_number IS NULL OR s.number = only_number)
              AND (only_types IS NULL OR s.type = ANY (only_types))
              AND (only_tool IS NULL OR lower(s.tool_type_name) = only_tool OR lower(s.tool_name) = only_tool)
            ORDER BY s.number
        LOOP
            IF rows_found = rows_max OR bytes_found > bytes_max THEN
                RETURN QUERY SELECT NULL::uuid, last_number, NULL::text, NULL::text, NULL::text,
                    NULL::text, NULL::boolean, NULL::jsonb, NULL::timestamptz;
                RETURN;
            END IF;
            rows_found := rows_found + 1;
            bytes_found := bytes_found + CASE WHEN with_data THEN octet_length(step.data::text) ELSE 0 END;
            last_number := step.number;
            RETURN QUERY SELECT turn.id, step.number, step.type, step.message, step.call_id, step.tool_type_name,
                step.is_error, CASE WHEN with_data THEN step.data END, step.created_at;
        END LOOP;
    END LOOP;
END
$$;

-- Asks a session's newest turn again: a new turn with the same message, behind the session's open turns. The message is the
-- new turn's from now on; the older one's reply is superseded. Where the provider left off is before that reply, and not
-- known, so the next prompt is the transcript. Nothing if the turn is open, or not the newest, or somebody was faster. Who
-- calls has locked the session.
CREATE FUNCTION neo_retry_turn(of_tenant uuid, of_session uuid, old_turn uuid, asked jsonb)
RETURNS SETOF chat_turns
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    old chat_turns;
    next_no integer;
BEGIN
    SELECT t.* INTO old FROM chat_turns t
    WHERE t.tenant_id = of_tenant AND t.session_id = of_session ORDER BY t.turn_no DESC LIMIT 1 FOR UPDATE;
    IF old.id IS DISTINCT FROM old_turn OR old.ended_at IS NULL THEN
        RETURN;
    END IF;
    UPDATE chat_sessions s
    SET last_turn_no = s.last_turn_no + 1, updated_at = now(), continues_provider = NULL, continues_region = NULL,
        continues_response_id = NULL, continues_turn_no = NULL
    WHERE s.tenant_id = of_tenant AND s.id = of_session
    RETURNING s.last_turn_no INTO next_no;
    UPDATE chat_turns t SET superseded_by = (asked ->> 'id')::uuid WHERE t.tenant_id = of_tenant AND t.id = old.id;
    RETURN QUERY
    INSERT INTO chat_turns (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, retry_of,
                            claimable_at, author_kind, author_id, author_tenant_id, credential_id)
    SELECT a.id, of_tenant, of_session, next_no, old.model_tier, old.user_message_id, a.reply_message_id, old.id,
           CASE WHEN EXISTS (SELECT FROM neo_open_turns(of_tenant, of_session, NULL) o WHERE o.open_turns > 0)
                THEN NULL ELSE clock_timestamp() END,
           a.author_kind, a.author_id, a.author_tenant_id, a.credential_id
    FROM jsonb_to_record(asked) AS a (
        id uuid, reply_message_id uuid, author_kind text, author_id uuid, author_tenant_id uuid, credential_id uuid)
    RETURNING *;
    UPDATE chat_messages m SET turn_id = (asked ->> 'id')::uuid
    WHERE m.tenant_id = of_tenant AND m.id = old.user_message_id;
END
$$;

-- The calls of the turns that a turn supersedes that had an effect, or may have had one.
CREATE FUNCTION neo_inherited_calls(of_tenant uuid, of_turn uuid)
RETURNS SETOF tool_calls
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE superseded AS (
        SELECT o.id, o.retry_of, o.turn_no FROM chat_turns t
        JOIN chat_turns o ON o.tenant_id = t.tenant_id AND o.id = t.retry_of
        WHERE t.tenant_id = of_tenant AND t.id = of_turn
        UNION ALL
        SELECT o.id, o.retry_of, o.turn_no FROM superseded s
        JOIN chat_turns o ON o.tenant_id = of_tenant AND o.id = s.retry_of)
    SELECT c.* FROM superseded s
    JOIN tool_calls c ON c.tenant_id = of_tenant AND c.turn_id = s.id
    WHERE c.status IN ('OK', 'FAILED', 'TIMED_OUT', 'UNKNOWN') AND c.effect IS DISTINCT FROM 'READ'
    ORDER BY s.turn_no, c.segment, c.position
$$;

-- Says what became of a call whose outcome was not known; nothing if that is known, or was said before. Prompts are given
-- it with the call's outcome, in the reply as well if the turn has ended; and with the transcript, for what a provider has
-- kept of the session does not have it.
CREATE FUNCTION neo_resolve_call(of_tenant uuid, of_turn uuid, of_call text, resolved jsonb, sentence text)
RETURNS SETOF tool_calls
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    turn chat_turns;
    call tool_calls;
BEGIN
    PERFORM 1 FROM chat_sessions s WHERE s.tenant_id = of_tenant AND s.id = (
        SELECT t.session_id FROM chat_turns t WHERE t.tenant_id = of_tenant AND t.id = of_turn)
    FOR UPDATE;
    SELECT t.* INTO turn FROM chat_turns t WHERE t.tenant_id = of_tenant AND t.id = of_turn FOR UPDATE;
    UPDATE tool_calls c SET resolution = resolved,
        outcome = c.outcome || jsonb_build_object('error_text', (c.outcome ->> 'error_text') || ' ' || sentence)
    WHERE c.tenant_id = of_tenant AND c.turn_id = of_turn AND c.id = of_call AND c.status = 'UNKNOWN'
      AND c.resolution IS NULL
    RETURNING c.* INTO call;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE chat_messages m SET parts = neo_reply_parts(of_tenant, of_turn)
    WHERE m.tenant_id = of_tenant AND m.id = turn.reply_message_id;
    UPDATE chat_sessions s SET continues_provider = NULL, continues_region = NULL, continues_response_id = NULL,
        continues_turn_no = NULL
    WHERE s.tenant_id = of_tenant AND s.id = turn.session_id;
    RETURN NEXT call;
END
$$;
