"""A turn that is begun with its message is stored as one that runs: there is nothing to change about it afterwards, for
each of its indexes would be written twice.
"""

from alembic import op

from neo.db.policies import app_role

revision = "0009"
down_revision = "0008"

# What a turn's step needs.
BEGUN_OF = """
CREATE FUNCTION neo_begun_of(turn chat_turns)
RETURNS SETOF neo_begun
LANGUAGE sql STABLE AS $$
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
$$
"""

BEGIN = """
CREATE OR REPLACE FUNCTION neo_begin_turn(of_tenant uuid, turn_id uuid, held_for interval DEFAULT NULL)
RETURNS SETOF neo_begun
LANGUAGE plpgsql AS $$
#variable_conflict use_column
{body}
$$
"""
BEGIN_NOW = BEGIN.format(
    body="""DECLARE
    turn chat_turns;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    UPDATE chat_turns t SET status = 'RUNNING', pen = t.pen + 1, attempts = t.attempts + 1,
        started_at = coalesce(t.started_at, clock_timestamp()), held_until = clock_timestamp() + held_for
    WHERE t.tenant_id = of_tenant AND t.id = turn_id AND t.status IN ('QUEUED', 'RUNNING')
    RETURNING t.* INTO turn;
    IF FOUND THEN
        RETURN QUERY SELECT * FROM neo_begun_of(turn);
    END IF;
END"""
)
BEGIN_BEFORE = BEGIN.format(
    body="""BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    RETURN QUERY
    WITH begun AS (
        UPDATE chat_turns t SET status = 'RUNNING', pen = t.pen + 1, attempts = t.attempts + 1,
            started_at = coalesce(t.started_at, clock_timestamp()), held_until = clock_timestamp() + held_for
        WHERE t.tenant_id = of_tenant AND t.id = turn_id AND t.status IN ('QUEUED', 'RUNNING')
        RETURNING t.*
    )
    SELECT b.id, b.tenant_id, b.session_id, b.turn_no, b.status, b.model_tier,
           b.reply_message_id, b.pen, b.attempts, b.created_at,
           b.cancel_requested_at, b.traceparent,
           s.continues_provider, s.continues_region, s.continues_response_id, s.continues_turn_no,
           a.instructions, a.model, a.reasoning_effort, m.id, m.parts,
           c.custom_instructions_for_user_facing_chat
    FROM begun b
    JOIN chat_sessions s ON s.tenant_id = b.tenant_id AND s.id = b.session_id
    JOIN agents a ON a.tenant_id = s.tenant_id AND a.id = s.agent_id
    JOIN chat_messages m ON m.tenant_id = b.tenant_id AND m.id = b.user_message_id
    LEFT JOIN end_companies c ON c.tenant_id = s.tenant_id AND c.psa_company_id = s.end_company_id;
END"""
)

# As in 0007, but for the turn's row.
ACCEPT = """
CREATE OR REPLACE FUNCTION neo_accept_messages(messages jsonb)
RETURNS TABLE (turn_id uuid, turn_no integer, open_turns integer, begun neo_begun)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    said record;{declared}
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
{turn}
        INSERT INTO chat_messages
            (id, tenant_id, session_id, turn_id, position, role, parts, client_message_id, draft_digest)
        VALUES (said.user_message_id, said.tenant_id, said.session_id, said.turn_id, turn_no * 2, 'user', said.parts,
                said.client_message_id, decode(said.draft_digest, 'hex'));
{begin}
        RETURN NEXT;
    END LOOP;
END
$$
"""
ACCEPT_NOW = ACCEPT.format(
    declared="""
    begins boolean;
    turn chat_turns;""",
    turn="""        begins := said.held_for IS NOT NULL AND open_turns = 0;
        INSERT INTO chat_turns
            (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, traceparent,
             status, pen, attempts, started_at, held_until)
        VALUES (said.turn_id, said.tenant_id, said.session_id, turn_no, said.model_tier, said.user_message_id,
                said.reply_message_id, said.traceparent,
                CASE WHEN begins THEN 'RUNNING' ELSE 'QUEUED' END, begins::integer, begins::integer,
                CASE WHEN begins THEN clock_timestamp() END,
                CASE WHEN begins THEN clock_timestamp() + said.held_for END)
        RETURNING * INTO turn;""",
    begin="""        IF begins THEN
            SELECT b.* INTO begun FROM neo_begun_of(turn) b;
        END IF;""",
)
ACCEPT_BEFORE = ACCEPT.format(
    declared="",
    turn="""        INSERT INTO chat_turns
            (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, traceparent)
        VALUES (said.turn_id, said.tenant_id, said.session_id, turn_no, said.model_tier, said.user_message_id,
                said.reply_message_id, said.traceparent);""",
    begin="""        IF said.held_for IS NOT NULL AND open_turns = 0 THEN
            SELECT b.* INTO begun FROM neo_begin_turn(said.tenant_id, said.turn_id, said.held_for) b;
        END IF;""",
)


def upgrade() -> None:
    for function in (BEGUN_OF, BEGIN_NOW, ACCEPT_NOW):
        op.execute(function)
    op.execute("REVOKE ALL ON FUNCTION neo_begun_of FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION neo_begun_of TO {app_role()}")


def downgrade() -> None:
    for function in (BEGIN_BEFORE, ACCEPT_BEFORE):
        op.execute(function)
    op.execute("DROP FUNCTION neo_begun_of")
