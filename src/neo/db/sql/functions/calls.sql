-- Calls of tools that their turn's driver runs: dispatched before the first byte leaves, and noted once they have ended.

-- Whether the driver with this lease may still write the turn's segment. Its claim may have been raised by its own stream,
-- which was lost; whoever else claims the turn has another lease.
CREATE FUNCTION neo_drives(turn chat_turns, held_lease uuid, of_segment integer, of_claim integer)
RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN turn.id IS NOT NULL AND turn.status = 'RUNNING' AND turn.lease_id = held_lease
    AND turn.segment = of_segment AND turn.claim >= of_claim;

-- Dispatches a call: from now on it may have been sent. Null: it is dispatched; `fenced`: somebody else drives the turn, or
-- the call is not as the driver has read it; else the code of a refusal. `attempt` counts from 1: a dispatch whose answer
-- was lost is asked for again, and is not another attempt.
CREATE FUNCTION neo_dispatch_call(
    of_tenant uuid, turn_id uuid, held_lease uuid, of_segment integer, of_claim integer, call_id text, attempt integer,
    rules jsonb)
RETURNS text
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    turn chat_turns;
    call tool_calls;
    refusal text;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    SELECT t.* INTO turn FROM chat_turns t WHERE t.tenant_id = of_tenant AND t.id = turn_id FOR UPDATE;
    IF NOT neo_drives(turn, held_lease, of_segment, of_claim) THEN
        RETURN 'fenced';
    END IF;
    SELECT c.* INTO call FROM tool_calls c
    WHERE c.tenant_id = of_tenant AND c.turn_id = turn.id AND c.id = call_id FOR UPDATE;
    IF call.status = 'RUNNING' AND call.attempts = attempt THEN
        RETURN NULL;
    END IF;
    IF call.id IS NULL OR call.status NOT IN ('PLANNED', 'RUNNING') OR call.attempts <> attempt - 1 THEN
        RETURN 'fenced';
    END IF;
    IF turn.cancel_requested_at IS NOT NULL THEN
        RETURN 'cancelled';
    END IF;
    refusal := neo_call_refusal(call, turn, rules);
    IF refusal IS NULL THEN
        UPDATE tool_calls c SET status = 'RUNNING', dispatched_at = clock_timestamp(), attempts = attempt,
            end_company_id = (SELECT coalesce(s.end_company_id, '') FROM chat_sessions s
                              WHERE s.tenant_id = of_tenant AND s.id = turn.session_id)
        WHERE c.tenant_id = of_tenant AND c.id = call.id;
    END IF;
    RETURN refusal;
END
$$;

-- Notes how calls have ended while others of their segment still run, so that a crash of their driver loses nothing of it.
-- False if the driver was fenced: then an answer tells what became of a call that nobody knew about, and changes nothing.
CREATE FUNCTION neo_note_outcomes(
    of_tenant uuid, turn_id uuid, held_lease uuid, of_segment integer, of_claim integer, done jsonb)
RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    turn chat_turns;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    SELECT t.* INTO turn FROM chat_turns t WHERE t.tenant_id = of_tenant AND t.id = turn_id FOR UPDATE;
    IF NOT neo_drives(turn, held_lease, of_segment, of_claim) THEN
        UPDATE tool_calls c SET resolution = jsonb_build_object(
            'outcome', 'DONE', 'by', NULL, 'credential', NULL, 'at', clock_timestamp(), 'note', 'Its answer came late.')
        FROM jsonb_to_recordset(done) AS d (id text, status text)
        WHERE c.tenant_id = of_tenant AND c.turn_id = neo_note_outcomes.turn_id AND c.id = d.id AND d.status = 'OK'
          AND c.status = 'UNKNOWN' AND c.resolution IS NULL;
        RETURN false;
    END IF;
    PERFORM neo_write_outcomes(of_tenant, turn.id, done);
    RETURN true;
END
$$;

-- Writes how calls have ended, of each only the first end. What is refused has not left, though it was dispatched.
CREATE FUNCTION neo_write_outcomes(of_tenant uuid, of_turn uuid, done jsonb)
RETURNS void
LANGUAGE sql AS $$
    UPDATE tool_calls c SET
        status = d.status, outcome = d.outcome, error_code = d.error_code, output_bytes = d.output_bytes,
        artifact_id = d.artifact_id, ended_at = clock_timestamp(),
        attempts = CASE WHEN d.status = 'REFUSED' THEN 0 ELSE c.attempts END,
        dispatched_at = CASE WHEN d.status <> 'REFUSED' THEN c.dispatched_at END
    FROM jsonb_to_recordset(done) AS d (
        id text, status text, outcome jsonb, error_code text, output_bytes bigint, artifact_id uuid)
    WHERE c.tenant_id = of_tenant AND c.turn_id = of_turn AND c.id = d.id AND c.outcome IS NULL AND d.outcome IS NOT NULL
$$;
