-- A turn from its message to its end. Each function is one message to the server instead of a transaction of several.
--
-- They run with the caller's rights, behind row-level security, and set the tenant of each row that they look at or
-- write; the setting ends with the statement that called them.

-- Where a message stands in its session: each turn has two positions, for what was asked and for what was answered.
CREATE FUNCTION neo_message_position(turn_no integer, role text)
RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT turn_no::bigint * 2 + (role = 'assistant')::integer
$$;

-- What the step of a turn needs to begin.
CREATE TYPE neo_begun AS (
    id uuid, tenant_id uuid, session_id uuid, turn_no integer, status text, model_tier text,
    reply_message_id uuid, claim integer, attempts integer, created_at timestamptz,
    cancel_requested_at timestamptz, traceparent text,
    continues_provider text, continues_region text, continues_response_id text, continues_turn_no integer,
    instructions text, agent_model text, reasoning_effort text, message_id uuid, parts jsonb,
    of_company text
);

CREATE FUNCTION neo_begun_of(turn chat_turns)
RETURNS SETOF neo_begun
LANGUAGE sql STABLE AS $$
    SELECT turn.id, turn.tenant_id, turn.session_id, turn.turn_no, turn.status, turn.model_tier,
           turn.reply_message_id, turn.claim, turn.attempts, turn.created_at,
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

-- Stores messages with their turns, and returns those that were stored; who calls asks of the others one by one.
--
-- A message is not stored if its session is locked (to wait would have one tenant's message wait for another's), if the
-- session has changed since `seen`, if its client_message_id is known, or if open_turns_max turns are open. The session's
-- lock keeps the number of open turns true until the commit. A message whose first answer was lost is found by its
-- turn's id.
--
-- With `held_for` a turn that has no open turn before it is begun as well. It is inserted as one that runs, because an
-- update would write each of the table's indexes twice.
CREATE FUNCTION neo_accept_messages(messages jsonb)
RETURNS TABLE (turn_id uuid, turn_no integer, open_turns integer, begun neo_begun)
LANGUAGE plpgsql AS $$
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
             status, claim, attempts, started_at, held_until)
        VALUES (said.turn_id, said.tenant_id, said.session_id, turn_no, said.model_tier, said.user_message_id,
                said.reply_message_id, said.traceparent,
                CASE WHEN begins THEN 'RUNNING' ELSE 'QUEUED' END, begins::integer, begins::integer,
                CASE WHEN begins THEN clock_timestamp() END,
                CASE WHEN begins THEN clock_timestamp() + said.held_for END)
        RETURNING * INTO turn;
        INSERT INTO chat_messages
            (id, tenant_id, session_id, turn_id, position, role, parts, client_message_id, draft_digest)
        VALUES (said.user_message_id, said.tenant_id, said.session_id, said.turn_id,
                neo_message_position(turn_no, 'user'), 'user', said.parts, said.client_message_id,
                decode(said.draft_digest, 'hex'));
        IF begins THEN
            SELECT b.* INTO begun FROM neo_begun_of(turn) b;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Begins one more attempt of a turn and gives it the next claim; returns nothing if the turn has ended.
--
-- A first attempt has nothing either while another process holds the turn, and an attempt that would hold the turn has
-- nothing if somebody has begun it. Later attempts do not wait: Temporal has given up the one before.
CREATE FUNCTION neo_begin_turn(of_tenant uuid, turn_id uuid, held_for interval, is_first boolean)
RETURNS SETOF neo_begun
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    turn chat_turns;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    UPDATE chat_turns t SET status = 'RUNNING', claim = t.claim + 1, attempts = t.attempts + 1,
        started_at = coalesce(t.started_at, clock_timestamp()), held_until = clock_timestamp() + held_for
    WHERE t.tenant_id = of_tenant AND t.id = turn_id AND (t.status = 'QUEUED' OR t.status = 'RUNNING' AND NOT (
        is_first AND (held_for IS NOT NULL OR t.held_until IS NOT NULL AND t.held_until > clock_timestamp())))
    RETURNING t.* INTO turn;
    IF FOUND THEN
        RETURN QUERY SELECT * FROM neo_begun_of(turn);
    END IF;
END
$$;

-- Ends a turn for good, however it ends: writes its outcome and its answer, moves the session to where the provider left
-- off, and names the turn that is to run next. Returns nothing if the turn has ended or has a newer claim.
--
-- A turn that was to be cancelled does not end as completed, even if its answer was complete first.
CREATE FUNCTION neo_end_turn(
    of_tenant uuid, of_session uuid, turn_id uuid, with_claim integer, ended_as text, ended_at_n integer,
    outcome jsonb, answer jsonb, goes_on jsonb)
RETURNS TABLE (id uuid, status text, finish_reason text, error_code text, error_message text, provider text,
               region text, model text, input_tokens integer, output_tokens integer, cached_tokens integer,
               first_token_ms integer, total_ms integer, omitted_messages integer, created_at timestamptz,
               ended_at timestamptz, following_id uuid)
LANGUAGE plpgsql AS $$
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
        WHERE t.tenant_id = of_tenant AND t.id = turn_id AND t.claim = with_claim AND t.status IN ('QUEUED', 'RUNNING')
        RETURNING t.*
    ), answered AS (
        INSERT INTO chat_messages (id, tenant_id, session_id, turn_id, position, role, parts)
        SELECT c.reply_message_id, c.tenant_id, c.session_id, c.id, neo_message_position(c.turn_no, 'assistant'),
               'assistant', answer
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
        -- A turn that was cancelled before anybody claimed it leaves its session as it was.
        WHERE s.tenant_id = of_tenant AND s.id = of_session AND NOT (c.status = 'CANCELLED' AND c.claim = 0)
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
