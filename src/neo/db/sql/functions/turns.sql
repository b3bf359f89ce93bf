-- A turn from its message to its end. Each function is one message to the server instead of a transaction of several.
--
-- They run with the caller's rights, behind row-level security, and set the tenant of each row that they look at or
-- write; the setting ends with the statement that called them. Each first locks, and looks in a later statement: a
-- statement that does both looks with the snapshot of before the lock. Locks are taken in one order: sessions by id,
-- then turns by id, then calls.

-- Where a message stands in its session: each turn has two positions, for what was asked and for what was answered.
CREATE FUNCTION neo_message_position(turn_no integer, role text)
RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN turn_no::bigint * 2 + (role = 'assistant')::integer;

-- A turn as its driver needs it. `after_*` is the last entry of the segment before, as it was numbered;
-- `late_seconds` is how long the lease of a turn that is taken over had passed; `context` is who talks, and where.
CREATE TYPE neo_claimed AS (
    id uuid, tenant_id uuid, session_id uuid, turn_no integer, status text, model_tier text,
    reply_message_id uuid, segment integer, claim integer, lease_id uuid, attempts integer, segment_attempts integer,
    created_at timestamptz, cancel_requested_at timestamptz, traceparent text, retry_of uuid,
    after_claim integer, after_n integer, step integer,
    continues_provider text, continues_region text, continues_response_id text, continues_turn_no integer,
    instructions text, agent_model text, reasoning_effort text, toolbox jsonb, agent_audience text,
    end_company_id text,
    message_id uuid, parts jsonb, of_company text, context jsonb, is_exhausted boolean, late_seconds double precision
);

-- Its body is bound when it is made, so that it is planned as part of the statement that calls it.
CREATE FUNCTION neo_claimed_of(turn chat_turns, is_exhausted boolean, late_seconds double precision)
RETURNS SETOF neo_claimed
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT turn.id, turn.tenant_id, turn.session_id, turn.turn_no, turn.status, turn.model_tier,
           turn.reply_message_id, turn.segment, turn.claim, turn.lease_id, turn.attempts, turn.segment_attempts,
           turn.created_at, turn.cancel_requested_at, turn.traceparent, turn.retry_of,
           g.claim, g.last_n,
           1 + (SELECT count(*) FROM turn_segments d
                WHERE d.tenant_id = turn.tenant_id AND d.turn_id = turn.id AND d.kind = 'MODEL')::integer,
           s.continues_provider, s.continues_region, s.continues_response_id, s.continues_turn_no,
           a.instructions, a.model, a.reasoning_effort, a.toolbox, a.audience, s.end_company_id, m.id, m.parts,
           c.custom_instructions_for_user_facing_chat,
           jsonb_build_object(
               'audience', s.audience, 'author_kind', turn.author_kind, 'surface', s.channel, 'agent_name', a.name,
               'company_name', c.psa_company_name,
               'relayed_for', coalesce(nullif(s.end_user, ''), s.end_user_email),
               'technician', (
                   SELECT jsonb_build_object('name', coalesce(p.name, p.email), 'role', p.role) FROM technicians p
                   WHERE turn.author_kind = 'technician' AND p.tenant_id = turn.tenant_id AND p.user_id = turn.author_id),
               'end_user', (
                   SELECT coalesce(nullif(k.end_user, ''), k.end_user_email) FROM session_tokens k
                   WHERE turn.author_kind = 'end_user' AND k.tenant_id = turn.tenant_id AND k.jti = turn.credential_id),
               'channel', (
                   SELECT jsonb_build_object('transport', h.transport, 'display_name', h.display_name,
                                             'internal_name', h.internal_name)
                   FROM channels h WHERE h.tenant_id = s.tenant_id AND h.id = s.channel_id AND h.deleted_at IS NULL),
               'tenant', (
                   SELECT jsonb_build_object('name', coalesce(t.human_friendly_client_name, t.name),
                                             'timezone', t.timezone)
                   FROM tenants t WHERE t.id = turn.tenant_id)),
           is_exhausted, late_seconds
    FROM chat_sessions s
    JOIN agents a ON a.tenant_id = s.tenant_id AND a.id = s.agent_id
    JOIN chat_messages m ON m.tenant_id = s.tenant_id AND m.id = turn.user_message_id
    LEFT JOIN end_companies c ON c.tenant_id = s.tenant_id AND c.psa_company_id = s.end_company_id
    LEFT JOIN turn_segments g ON g.tenant_id = turn.tenant_id AND g.turn_id = turn.id AND g.segment = turn.segment - 1
    WHERE s.tenant_id = turn.tenant_id AND s.id = turn.session_id;
END;

-- The session's open turns before a turn, or all of them: how many, and the first, which runs or waits.
CREATE FUNCTION neo_open_turns(of_tenant uuid, of_session uuid, before_turn integer)
RETURNS TABLE (open_turns integer, first_id uuid, first_waiting_for text)
LANGUAGE sql STABLE AS $$
    SELECT count(*)::integer, (array_agg(t.id ORDER BY t.turn_no))[1],
           (array_agg(t.waiting_for ORDER BY t.turn_no))[1]
    FROM chat_turns t
    WHERE t.tenant_id = of_tenant AND t.session_id = of_session AND (before_turn IS NULL OR t.turn_no < before_turn)
      AND t.status IN ('QUEUED', 'RUNNING', 'WAITING')
$$;

-- Whether so many of the tenant's turns are open and nobody drives them, nor do they wait for a call.
CREATE FUNCTION neo_has_undriven(of_tenant uuid, most integer)
RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM chat_turns t
        WHERE t.tenant_id = of_tenant AND t.lease_id IS NULL AND t.status IN ('QUEUED', 'RUNNING')
        OFFSET most - 1 LIMIT 1)
$$;

-- Stores messages with their turns, and returns those that were stored; who calls asks of the others one by one.
--
-- A message is not stored if its session is locked (to wait would have one tenant's message wait for another's), if the
-- session has changed since `version`, if its client_message_id is known, if open_turns_max turns of it are open, or if the
-- turn would have to wait for a place and undriven_max of its tenant's do: those of the same moment may be some more. A
-- message whose first answer was lost is found by its turn's id.
--
-- With `lease_id` the turn is claimed as well, unless an earlier turn of its session is open or a claimable turn of
-- anybody waits. It is inserted as one that runs, because an update would write each of the table's indexes twice.
CREATE FUNCTION neo_accept_messages(messages jsonb)
RETURNS TABLE (
    turn_id uuid, turn_no integer, open_turns integer, first_id uuid, first_waiting_for text, claimed neo_claimed)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    message record;
    is_claimed boolean;
    turn chat_turns;
BEGIN
    FOR message IN SELECT * FROM jsonb_to_recordset(messages) AS m (
        tenant_id uuid, session_id uuid, version text, open_turns_max integer, undriven_max integer, title text, turn_id uuid,
        user_message_id uuid, reply_message_id uuid, model_tier text, parts jsonb, client_message_id text,
        draft_digest text, traceparent text, lease_id uuid, lease interval,
        author_kind text, author_id uuid, author_tenant_id uuid, credential_id uuid)
    LOOP
        PERFORM set_config('neo.tenant_id', message.tenant_id::text, true);
        PERFORM 1 FROM chat_sessions s WHERE s.tenant_id = message.tenant_id AND s.id = message.session_id
        FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;

        turn_id := message.turn_id; claimed := NULL;
        SELECT t.turn_no INTO turn_no FROM chat_turns t
        WHERE t.tenant_id = message.tenant_id AND t.id = message.turn_id;
        IF FOUND THEN
            SELECT o.* INTO open_turns, first_id, first_waiting_for
            FROM neo_open_turns(message.tenant_id, message.session_id, turn_no) o;
            RETURN NEXT;
            CONTINUE;
        END IF;

        CONTINUE WHEN message.version IS NOT NULL AND message.version IS DISTINCT FROM (
            SELECT n.version FROM neo_session_access(ARRAY[message.tenant_id], ARRAY[message.session_id]) n);
        CONTINUE WHEN message.client_message_id IS NOT NULL AND EXISTS (
            SELECT 1 FROM chat_messages m
            WHERE m.tenant_id = message.tenant_id AND m.session_id = message.session_id
              AND m.client_message_id = message.client_message_id);
        SELECT o.* INTO open_turns, first_id, first_waiting_for
        FROM neo_open_turns(message.tenant_id, message.session_id, NULL) o;
        CONTINUE WHEN open_turns >= message.open_turns_max;
        is_claimed := message.lease_id IS NOT NULL AND open_turns = 0 AND NOT neo_is_claimable_waiting();
        -- What is claimed at once never counts them.
        CONTINUE WHEN CASE WHEN is_claimed OR message.undriven_max = 0 THEN false
            ELSE neo_has_undriven(message.tenant_id, message.undriven_max) END;

        UPDATE chat_sessions s
        SET last_turn_no = s.last_turn_no + 1, title = coalesce(s.title, message.title), updated_at = now()
        WHERE s.tenant_id = message.tenant_id AND s.id = message.session_id
        RETURNING s.last_turn_no INTO turn_no;
        INSERT INTO chat_turns
            (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, traceparent,
             status, claim, attempts, started_at, lease_id, claimable_at,
             author_kind, author_id, author_tenant_id, credential_id)
        VALUES (message.turn_id, message.tenant_id, message.session_id, turn_no, message.model_tier,
                message.user_message_id, message.reply_message_id, message.traceparent,
                CASE WHEN is_claimed THEN 'RUNNING' ELSE 'QUEUED' END, is_claimed::integer, is_claimed::integer,
                CASE WHEN is_claimed THEN clock_timestamp() END,
                CASE WHEN is_claimed THEN message.lease_id END,
                CASE WHEN is_claimed THEN clock_timestamp() + message.lease
                     WHEN open_turns = 0 THEN clock_timestamp() END,
                message.author_kind, message.author_id, message.author_tenant_id, message.credential_id)
        RETURNING * INTO turn;
        INSERT INTO chat_messages
            (id, tenant_id, session_id, turn_id, position, role, parts, client_message_id, draft_digest,
             author_kind, author_id, author_tenant_id, credential_id)
        VALUES (message.user_message_id, message.tenant_id, message.session_id, message.turn_id,
                neo_message_position(turn_no, 'user'), 'user', message.parts, message.client_message_id,
                decode(message.draft_digest, 'hex'),
                message.author_kind, message.author_id, message.author_tenant_id, message.credential_id);
        IF is_claimed THEN
            SELECT c.* INTO claimed FROM neo_claimed_of(turn, false, NULL) c;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Claims the oldest turns of the tenants that hold the fewest leases, at most `turns_max`.
--
-- `takes_over` also claims turns whose lease has passed. `without_tenants` have what they may take in the calling
-- process; `only_turn` is the one to claim. A turn that is exhausted is leased, and is to be ended by the caller.
CREATE FUNCTION neo_claim_turns(
    turns_max integer, lease interval, takes_over boolean, without_tenants uuid[], only_turn uuid)
RETURNS SETOF neo_claimed
LANGUAGE plpgsql AS $$
DECLARE
    taken record;
BEGIN
    FOR taken IN SELECT * FROM neo_take_claims(turns_max, lease, takes_over, without_tenants, only_turn) LOOP
        RETURN QUERY SELECT * FROM neo_claimed_turn(
            taken.tenant_id, taken.id, taken.is_exhausted, taken.late_seconds);
    END LOOP;
END
$$;

CREATE FUNCTION neo_claimed_turn(
    of_tenant uuid, turn_id uuid, is_exhausted boolean, late_seconds double precision)
RETURNS SETOF neo_claimed
LANGUAGE plpgsql AS $$
DECLARE
    turn chat_turns;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    SELECT t.* INTO turn FROM chat_turns t WHERE t.tenant_id = of_tenant AND t.id = turn_id;
    RETURN QUERY SELECT * FROM neo_claimed_of(turn, is_exhausted, late_seconds);
END
$$;

-- A claim more for the driver whose stream was lost. Nothing if it was fenced; 0 if the segment has no claim left.
CREATE FUNCTION neo_next_claim(of_tenant uuid, turn_id uuid, held_lease uuid, of_segment integer, of_claim integer)
RETURNS SETOF integer
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    RETURN QUERY
    -- A call whose answer was lost has raised the claim already.
    UPDATE chat_turns t SET claim = least(of_claim + 1, 62)
    WHERE t.tenant_id = of_tenant AND t.id = turn_id AND t.status = 'RUNNING' AND t.lease_id = held_lease
      AND t.segment = of_segment AND t.claim IN (of_claim, of_claim + 1)
    RETURNING CASE WHEN of_claim < 62 THEN t.claim ELSE 0 END;
END
$$;

-- Gives a turn up: whoever has a place may claim it after `delay`. `has_failed` counts it as an attempt.
CREATE FUNCTION neo_release_turn(of_tenant uuid, turn_id uuid, held_lease uuid, delay interval, has_failed boolean)
RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    UPDATE chat_turns t SET lease_id = NULL, claimable_at = clock_timestamp() + delay,
        attempts = t.attempts + has_failed::integer, segment_attempts = t.segment_attempts + has_failed::integer
    WHERE t.tenant_id = of_tenant AND t.id = turn_id AND t.status = 'RUNNING' AND t.lease_id = held_lease;
    RETURN FOUND;
END
$$;

-- Settles a segment: its outcome is in PostgreSQL from now on, and is never written again. The same driver goes on with
-- the next one under claim 1, or gives the turn up (`lease` is null), or the turn waits for its calls. Nothing if the
-- writer was fenced. A settle whose answer was lost is answered from the row; where somebody else has the lease by then,
-- it gets no claim.
--
-- `planned` are the calls that the model asked for, `done` what has become of calls. A turn waits for those of its calls
-- that have no outcome; `waiting` in `last` is the event that says so, numbered here and appended by the caller. A
-- decision or an outcome that came before the turn's lock was taken would wake nobody, so it is looked for here.
CREATE FUNCTION neo_settle_segment(
    of_tenant uuid, turn_id uuid, held_lease uuid, of_segment integer, of_claim integer, last jsonb, planned jsonb,
    done jsonb, lease interval)
RETURNS TABLE (status text, segment integer, claim integer, waiting_for text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    turn chat_turns;
    waiting text;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    SELECT t.* INTO turn FROM chat_turns t WHERE t.tenant_id = of_tenant AND t.id = turn_id FOR UPDATE;
    IF turn.segment = of_segment + 1 AND EXISTS (
        SELECT 1 FROM turn_segments g WHERE g.tenant_id = of_tenant AND g.turn_id = turn.id
          AND g.segment = of_segment AND g.claim = of_claim) THEN
        RETURN QUERY SELECT turn.status, turn.segment,
            CASE WHEN turn.lease_id = held_lease THEN turn.claim ELSE 0 END, turn.waiting_for;
        RETURN;
    END IF;
    IF turn.id IS NULL OR turn.status <> 'RUNNING' OR turn.segment <> of_segment OR turn.claim <> of_claim THEN
        RETURN;
    END IF;

    PERFORM neo_plan_calls(turn, planned);
    PERFORM neo_note_calls(turn, done);
    IF last ->> 'kind' = 'CALLS' THEN
        SELECT CASE WHEN bool_or(c.status = 'WAITING') THEN 'APPROVAL' ELSE 'CALL' END INTO waiting
        FROM tool_calls c
        WHERE c.tenant_id = of_tenant AND c.turn_id = turn.id AND c.outcome_segment IS NULL
        HAVING count(*) > 0 AND NOT bool_or(neo_is_call_due(c));
    END IF;
    IF waiting IS NOT NULL THEN
        last := last || jsonb_build_object(
            'last_n', (last ->> 'last_n')::integer + 1, 'replay', (last -> 'replay') || (last -> 'waiting'));
    END IF;
    PERFORM neo_store_segment(turn, last);
    UPDATE chat_turns t SET
        segment = of_segment + 1, segment_attempts = 0, waiting_for = waiting,
        first_token_ms = coalesce(t.first_token_ms, (last ->> 'first_token_ms')::integer),
        status = CASE WHEN waiting IS NULL THEN 'RUNNING' ELSE 'WAITING' END,
        claim = (waiting IS NULL AND lease IS NOT NULL)::integer,
        lease_id = CASE WHEN waiting IS NULL AND lease IS NOT NULL THEN t.lease_id END,
        claimable_at = CASE WHEN waiting IS NULL THEN clock_timestamp() + coalesce(lease, '0') END
    WHERE t.tenant_id = of_tenant AND t.id = turn.id;
    RETURN QUERY SELECT t.status, t.segment, t.claim, t.waiting_for FROM chat_turns t
    WHERE t.tenant_id = of_tenant AND t.id = turn.id;
END
$$;

-- How long a turn has been worked on: what it waited for does not count. Only where it has waited, two CALLS segments follow
-- each other.
CREATE FUNCTION neo_active_seconds(of_tenant uuid, of_turn uuid)
RETURNS double precision
LANGUAGE sql STABLE AS $$
    SELECT extract(epoch FROM clock_timestamp() - t.started_at - coalesce((
        SELECT sum(g.settled_at - g.before_at) FILTER (WHERE g.kind = 'CALLS' AND g.before = 'CALLS')
        FROM (SELECT s.kind, s.settled_at, lag(s.kind) OVER in_order AS before,
                     lag(s.settled_at) OVER in_order AS before_at
              FROM turn_segments s WHERE s.tenant_id = of_tenant AND s.turn_id = of_turn
              WINDOW in_order AS (ORDER BY s.segment)) g), '0'))::double precision
    FROM chat_turns t WHERE t.tenant_id = of_tenant AND t.id = of_turn
$$;

-- The row of a settled segment.
CREATE FUNCTION neo_store_segment(turn chat_turns, last jsonb)
RETURNS void
LANGUAGE sql AS $$
    INSERT INTO turn_segments (tenant_id, turn_id, segment, kind, claim, last_n, parts, replay, provider, region, model,
                               response_id, finish_reason, input_tokens, output_tokens, cached_tokens, cost, carried)
    SELECT turn.tenant_id, turn.id, turn.segment, o.kind, turn.claim, o.last_n, coalesce(o.parts, '[]'), o.replay,
           o.provider, o.region, o.model, o.response_id, o.finish_reason, o.input_tokens, o.output_tokens,
           o.cached_tokens, o.cost, o.carried
    FROM jsonb_to_record(last) AS o (
        kind text, last_n integer, parts jsonb, replay jsonb, provider text, region text, model text,
        response_id text, finish_reason text, input_tokens integer, output_tokens integer, cached_tokens integer,
        cost numeric, carried jsonb)
$$;

-- The key of the same KEYED call of an earlier turn of the session, of which nobody knows whether it had its effect: with
-- the same key it has it once. Servers forget keys after a day.
CREATE FUNCTION neo_key_in_doubt(turn chat_turns, effect text, connection_id uuid, digest text)
RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT c.key FROM chat_turns t JOIN tool_calls c ON c.tenant_id = t.tenant_id AND c.turn_id = t.id
    WHERE neo_key_in_doubt.effect = 'KEYED' AND t.tenant_id = turn.tenant_id AND t.session_id = turn.session_id
      AND t.turn_no < turn.turn_no AND c.effect = 'KEYED' AND c.connection_id = neo_key_in_doubt.connection_id
      AND c.digest = decode(neo_key_in_doubt.digest, 'hex') AND c.dispatched_at > clock_timestamp() - interval '24 hours'
      AND (c.status IN ('UNKNOWN', 'TIMED_OUT') OR c.status = 'FAILED' AND c.error_code <> 'tool_error')
      AND NOT EXISTS (
          SELECT FROM tool_calls o
          WHERE o.tenant_id = turn.tenant_id AND o.turn_id = turn.id AND o.digest = c.digest AND o.attempts > 0)
    ORDER BY t.turn_no DESC, c.dispatched_at DESC LIMIT 1
$$;

-- The calls that a model asked for in the turn's first unsettled segment. One that has an outcome already was
-- refused, or Neo has answered it itself.
CREATE FUNCTION neo_plan_calls(turn chat_turns, planned jsonb)
RETURNS void
LANGUAGE sql AS $$
    INSERT INTO tool_calls (id, tenant_id, turn_id, segment, position, provider_call_id, name, arguments, digest,
                            gate, runs_apart, connection_id, tool_name, title, tool_digest, effect, tier, timeout_seconds,
                            keyed_by, key_argument, probe_tool, is_untrusted, key, arguments_raw,
                            status, outcome, error_code, ended_at)
    SELECT p.id, turn.tenant_id, turn.id, turn.segment, p.position, p.provider_call_id, p.name, p.arguments,
           decode(p.digest, 'hex'), p.gate, p.runs_apart, p.connection_id, p.tool_name, p.title, p.tool_digest, p.effect,
           p.tier, p.timeout_seconds, p.keyed_by, p.key_argument, p.probe_tool, coalesce(p.is_untrusted, false),
           coalesce(neo_key_in_doubt(turn, p.effect, p.connection_id, p.digest), p.key),
           p.arguments_raw,
           CASE WHEN p.outcome IS NULL THEN 'PLANNED' WHEN p.outcome ? 'output' THEN 'OK' ELSE 'REFUSED' END, p.outcome, p.error_code,
           CASE WHEN p.outcome IS NOT NULL THEN clock_timestamp() END
    FROM jsonb_to_recordset(planned) AS p (
        id text, position integer, provider_call_id text, name text, arguments jsonb, digest text,
        gate text, runs_apart boolean, connection_id uuid, tool_name text, title text, tool_digest text, effect text,
        tier text, timeout_seconds integer, keyed_by text, key_argument text, probe_tool text, is_untrusted boolean,
        key text, arguments_raw text, outcome jsonb, error_code text)
$$;

-- Begins calls that the turn will wait for, before readers are told of them: each that is gated gets its request for a
-- decision, each that runs apart is dispatched. False if the driver was fenced. Who begins them again changes nothing.
CREATE FUNCTION neo_begin_calls(
    of_tenant uuid, turn_id uuid, of_segment integer, of_claim integer, begun jsonb)
RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    PERFORM 1 FROM chat_turns t
    WHERE t.tenant_id = of_tenant AND t.id = turn_id AND t.status = 'RUNNING' AND t.segment = of_segment
      AND t.claim = of_claim
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE tool_calls c SET
        status = CASE WHEN b.request_id IS NULL THEN 'RUNNING' ELSE 'WAITING' END,
        dispatched_at = CASE WHEN b.request_id IS NULL THEN clock_timestamp() END
    FROM jsonb_to_recordset(begun) AS b (id text, request_id uuid)
    WHERE c.tenant_id = of_tenant AND c.turn_id = neo_begin_calls.turn_id AND c.id = b.id AND c.status = 'PLANNED';
    INSERT INTO approval_requests (id, tenant_id, turn_id, call_id, expires_at)
    SELECT b.request_id, of_tenant, neo_begin_calls.turn_id, b.id, b.expires_at
    FROM jsonb_to_recordset(begun) AS b (id text, request_id uuid, expires_at timestamptz)
    WHERE b.request_id IS NOT NULL
    ON CONFLICT (call_id) DO NOTHING;
    RETURN true;
END
$$;

-- What has become of calls in the turn's first unsettled segment, whose readers have been told of them.
CREATE FUNCTION neo_note_calls(turn chat_turns, done jsonb)
RETURNS void
LANGUAGE sql AS $$
    SELECT neo_write_outcomes(turn.tenant_id, turn.id, done);
    UPDATE tool_calls c SET
        told_segment = coalesce(c.told_segment, turn.segment),
        outcome_segment = CASE WHEN d.outcome IS NOT NULL THEN turn.segment END
    FROM jsonb_to_recordset(done) AS d (id text, outcome jsonb)
    WHERE c.tenant_id = turn.tenant_id AND c.turn_id = turn.id AND c.id = d.id
$$;

-- Whether a call without a settled outcome has something to be done about: an outcome, or a decision.
CREATE FUNCTION neo_is_call_due(call tool_calls)
RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT call.status NOT IN ('WAITING', 'RUNNING') OR EXISTS (
        SELECT 1 FROM approval_requests r
        WHERE r.tenant_id = call.tenant_id AND r.call_id = call.id AND r.status <> 'PENDING')
$$;

-- Makes a waiting turn claimable: something that it waits for has come. Who calls has locked the turn before it wrote.
CREATE FUNCTION neo_resume_turn(of_tenant uuid, turn_id uuid)
RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE chat_turns t SET status = 'RUNNING', waiting_for = NULL, claimable_at = clock_timestamp()
    WHERE t.tenant_id = of_tenant AND t.id = turn_id AND t.status = 'WAITING';
    RETURN FOUND;
END
$$;

-- Locks the turn of a call, so that a settle under way and whoever writes next see each other.
CREATE FUNCTION neo_lock_turn_of_call(of_tenant uuid, of_call text)
RETURNS uuid
LANGUAGE sql AS $$
    SELECT t.id FROM chat_turns t WHERE t.tenant_id = of_tenant AND t.id = (
        SELECT c.turn_id FROM tool_calls c WHERE c.tenant_id = of_tenant AND c.id = of_call)
    FOR UPDATE
$$;

-- Decides a request; false if it was decided before. Exactly one decision wins.
CREATE FUNCTION neo_decide_request(of_tenant uuid, of_call text, decision text)
RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    turn_id uuid;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    turn_id := neo_lock_turn_of_call(of_tenant, of_call);
    UPDATE approval_requests r SET status = decision, decided_at = clock_timestamp()
    WHERE r.tenant_id = of_tenant AND r.call_id = of_call AND r.status = 'PENDING';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM neo_resume_turn(of_tenant, turn_id);
    RETURN true;
END
$$;

-- Writes the outcome of a call that runs apart; false if it has one. Of a turn that has ended it changes nothing.
CREATE FUNCTION neo_end_call(of_tenant uuid, of_call text, ended_as text, with_outcome jsonb)
RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    turn_id uuid;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    turn_id := neo_lock_turn_of_call(of_tenant, of_call);
    UPDATE tool_calls c SET status = ended_as, outcome = with_outcome, ended_at = clock_timestamp()
    WHERE c.tenant_id = of_tenant AND c.id = of_call AND c.status = 'RUNNING' AND c.runs_apart;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM neo_resume_turn(of_tenant, turn_id);
    RETURN true;
END
$$;

-- A sum of tokens as it is stored: null where none are known. (`least` takes null for no bound.)
CREATE FUNCTION neo_as_tokens(tokens bigint)
RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN tokens > 2147483647 THEN 2147483647 ELSE tokens END;

-- Ends a turn for good, however it ends: settles what is not settled, writes outcome and reply, moves the session to
-- where the provider left off, and makes the session's next turn claimable. Nothing if the turn has ended or was
-- claimed by somebody else. An end whose answer was lost is answered from the row to whoever writes the terminal.
--
-- `last` is the segment that ends with the turn, if the driver has one; `done` in it, what has become of its calls. A turn that was to be cancelled does not end as
-- completed, even if its answer was complete first. `ended_at_n` is null where nobody writes the terminal envelope into
-- the stream: readers get it from PostgreSQL, as the first entry of claim 63.
CREATE FUNCTION neo_end_turn(
    of_tenant uuid, of_session uuid, turn_id uuid, of_segment integer, of_claim integer, ended_as text,
    ended_at_n integer, outcome jsonb, last jsonb, goes_on jsonb)
RETURNS SETOF chat_turns
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    turn chat_turns;
    reply jsonb;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    PERFORM 1 FROM chat_sessions s WHERE s.tenant_id = of_tenant AND s.id = of_session FOR UPDATE;
    SELECT t.* INTO turn FROM chat_turns t WHERE t.tenant_id = of_tenant AND t.id = turn_id FOR UPDATE;
    IF turn.ended_at IS NOT NULL
       AND (turn.terminal_segment, turn.terminal_claim, turn.terminal_n) = (of_segment, of_claim, ended_at_n) THEN
        RETURN NEXT turn;
        RETURN;
    END IF;
    IF turn.id IS NULL OR turn.ended_at IS NOT NULL OR turn.segment <> of_segment OR turn.claim <> of_claim THEN
        RETURN;
    END IF;

    IF last IS NOT NULL THEN
        PERFORM neo_note_calls(turn, coalesce(last -> 'done', '[]'));
        PERFORM neo_store_segment(turn, last);
    END IF;
    PERFORM neo_end_calls(turn);
    reply := neo_reply_parts(of_tenant, turn.id);
    UPDATE chat_turns t SET
        segment = of_segment + (last IS NOT NULL)::integer,
        status = CASE WHEN ended_as = 'COMPLETED' AND t.cancel_requested_at IS NOT NULL
                      THEN 'CANCELLED' ELSE ended_as END,
        terminal_segment = of_segment,
        terminal_claim = CASE WHEN ended_at_n IS NULL THEN 63 ELSE of_claim END,
        terminal_n = coalesce(ended_at_n, 1),
        ended_at = clock_timestamp(), lease_id = NULL, claimable_at = NULL, waiting_for = NULL,
        finish_reason = o.finish_reason, error_code = o.error_code, error_message = o.error_message,
        provider = o.provider, region = o.region, model = o.model,
        input_tokens = u.input_tokens, output_tokens = u.output_tokens, cached_tokens = u.cached_tokens, cost = u.cost,
        first_token_ms = coalesce(t.first_token_ms, o.first_token_ms), total_ms = o.total_ms,
        omitted_messages = coalesce(o.omitted_messages, 0)
    FROM jsonb_to_record(outcome) AS o (
        finish_reason text, error_code text, error_message text, provider text, region text, model text,
        first_token_ms int, total_ms int, omitted_messages int),
        -- A sum of costs says nothing where the cost of some of the tokens is not known.
        (SELECT neo_as_tokens(sum(g.input_tokens)) AS input_tokens,
                neo_as_tokens(sum(g.output_tokens)) AS output_tokens,
                neo_as_tokens(sum(g.cached_tokens)) AS cached_tokens,
                CASE WHEN bool_and(g.cost IS NOT NULL) FILTER (WHERE g.input_tokens IS NOT NULL)
                     THEN sum(g.cost) END AS cost
         FROM turn_segments g WHERE g.tenant_id = of_tenant AND g.turn_id = turn.id) AS u
    WHERE t.tenant_id = of_tenant AND t.id = turn.id;
    INSERT INTO chat_messages (id, tenant_id, session_id, turn_id, position, role, parts)
    SELECT turn.reply_message_id, of_tenant, of_session, turn.id, neo_message_position(turn.turn_no, 'assistant'),
           'assistant', reply
    WHERE reply IS NOT NULL;
    UPDATE chat_sessions s SET updated_at = now(),
        continues_provider = CASE WHEN goes_on IS NULL THEN s.continues_provider ELSE o.provider END,
        continues_region = CASE WHEN goes_on IS NULL THEN s.continues_region ELSE o.region END,
        continues_response_id = CASE WHEN goes_on IS NULL THEN s.continues_response_id ELSE o.response_id END,
        continues_turn_no = CASE WHEN goes_on IS NULL THEN s.continues_turn_no ELSE turn.turn_no END
    FROM jsonb_to_record(coalesce(goes_on, '{}')) AS o (provider text, region text, response_id text)
    -- A turn that was cancelled before anybody claimed it leaves its session as it was.
    WHERE s.tenant_id = of_tenant AND s.id = of_session AND turn.started_at IS NOT NULL;
    -- The session's next turn, looked for under its lock: a message that is accepted meanwhile waits for the lock.
    UPDATE chat_turns t SET claimable_at = clock_timestamp()
    WHERE t.tenant_id = of_tenant AND t.id = (
        SELECT o.id FROM chat_turns o
        WHERE o.tenant_id = of_tenant AND o.session_id = of_session AND o.status = 'QUEUED'
        ORDER BY o.turn_no LIMIT 1)
      AND NOT EXISTS (
        SELECT 1 FROM chat_turns o
        WHERE o.tenant_id = of_tenant AND o.session_id = of_session AND o.status IN ('RUNNING', 'WAITING'));
    RETURN QUERY SELECT t.* FROM chat_turns t WHERE t.tenant_id = of_tenant AND t.id = turn.id;
END
$$;

-- What a turn that ends leaves of its calls: those that were not sent are cancelled, of those that were nobody knows.
CREATE FUNCTION neo_end_calls(turn chat_turns)
RETURNS void
LANGUAGE sql AS $$
    UPDATE tool_calls c SET ended_at = clock_timestamp(),
        status = CASE WHEN c.status = 'RUNNING' THEN 'UNKNOWN' ELSE 'CANCELLED' END,
        outcome = jsonb_build_object('error_text', CASE WHEN c.status = 'RUNNING'
            THEN 'The turn ended while this call was under way: its outcome is not known.'
            ELSE 'The turn ended before this call was sent.' END)
    WHERE c.tenant_id = turn.tenant_id AND c.turn_id = turn.id AND c.status IN ('PLANNED', 'WAITING', 'RUNNING');
    UPDATE approval_requests r SET status = 'CANCELLED', decided_at = clock_timestamp()
    WHERE r.tenant_id = turn.tenant_id AND r.turn_id = turn.id AND r.status = 'PENDING'
$$;

-- A call as a part of the stored message.
CREATE FUNCTION neo_call_part(call tool_calls)
RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('type', 'dynamic-tool', 'toolName', call.name, 'toolCallId', call.id,
                              'input', call.arguments)
        || CASE
            WHEN call.status = 'OK' THEN jsonb_build_object(
                'state', 'output-available', 'output', call.outcome -> 'output')
                || CASE WHEN call.is_untrusted
                   THEN '{"callProviderMetadata": {"neo": {"untrusted": true}}}'::jsonb ELSE '{}' END
            WHEN call.status = 'REJECTED' THEN jsonb_build_object(
                'state', 'output-denied', 'approval', jsonb_build_object('id', call.id, 'approved', false))
            WHEN call.outcome IS NOT NULL THEN jsonb_build_object(
                'state', 'output-error', 'errorText', call.outcome -> 'error_text')
            WHEN call.status = 'WAITING' THEN jsonb_build_object(
                'state', 'approval-requested', 'approval', jsonb_build_object('id', call.id))
            ELSE jsonb_build_object('state', 'input-available')
        END
$$;

-- What a turn has answered, as far as it is settled: what the model said, each time with its calls. Null if nothing.
CREATE FUNCTION neo_reply_parts(of_tenant uuid, of_turn uuid)
RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(part.value ORDER BY g.segment, part.is_call, part.at)
    FROM turn_segments g
    CROSS JOIN LATERAL (
        SELECT p.value, false AS is_call, p.ordinality AS at FROM jsonb_array_elements(g.parts) WITH ORDINALITY p
        UNION ALL
        SELECT neo_call_part(c), true, c.position FROM tool_calls c
        WHERE c.tenant_id = of_tenant AND c.turn_id = of_turn AND c.segment = g.segment
    ) part
    WHERE g.tenant_id = of_tenant AND g.turn_id = of_turn
$$;
