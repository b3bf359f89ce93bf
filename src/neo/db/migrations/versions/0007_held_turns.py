"""A turn's row says until when the process that began it answers for it, before Temporal has heard of it.

While it holds, nobody else looks at the turn; once it has passed, whoever sweeps does so at once. And a turn that
begins at once is begun by the statement that stores its message.
"""

from alembic import op

from neo.db.policies import app_role

revision = "0007"
down_revision = "0006"

COLUMNS = """
    id uuid, tenant_id uuid, session_id uuid, turn_no integer, status text, model_tier text,
    reply_message_id uuid, pen integer, attempts integer, created_at timestamptz,
    cancel_requested_at timestamptz, traceparent text,
    continues_provider text, continues_region text, continues_response_id text, continues_turn_no integer,
    instructions text, agent_model text, reasoning_effort text, message_id uuid, parts jsonb,
    of_company text
"""
BEGINNING = """
CREATE FUNCTION neo_begin_turn({asked})
RETURNS {told}
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    RETURN QUERY
    WITH begun AS (
        UPDATE chat_turns t SET status = 'RUNNING', pen = t.pen + 1, attempts = t.attempts + 1,
            started_at = coalesce(t.started_at, clock_timestamp()){held}
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
END
$$
"""
BEGINNING_NOW = BEGINNING.format(
    told="SETOF neo_begun",
    asked="of_tenant uuid, turn_id uuid, held_for interval DEFAULT NULL",
    held=", held_until = clock_timestamp() + held_for",
)
BEGINNING_BEFORE = BEGINNING.format(told=f"TABLE ({COLUMNS})", asked="of_tenant uuid, turn_id uuid", held="")

# As in 0006; but a turn that is to begin at once, and has none before it, is begun with its message.
ACCEPT = """
CREATE FUNCTION neo_accept_messages(messages jsonb)
RETURNS TABLE (turn_id uuid, turn_no integer, open_turns integer{told})
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    said record;
BEGIN
    FOR said IN SELECT * FROM jsonb_to_recordset(messages) AS m (
        tenant_id uuid, session_id uuid, seen text, open_turns_max integer, title text, turn_id uuid,
        user_message_id uuid, reply_message_id uuid, model_tier text, parts jsonb, client_message_id text,
        draft_digest text, traceparent text{asked})
    LOOP
        PERFORM set_config('neo.tenant_id', said.tenant_id::text, true);
        PERFORM 1 FROM chat_sessions s WHERE s.tenant_id = said.tenant_id AND s.id = said.session_id
        FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;

        turn_id := said.turn_id;{clean}
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
        INSERT INTO chat_turns
            (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, traceparent)
        VALUES (said.turn_id, said.tenant_id, said.session_id, turn_no, said.model_tier, said.user_message_id,
                said.reply_message_id, said.traceparent);
        INSERT INTO chat_messages
            (id, tenant_id, session_id, turn_id, position, role, parts, client_message_id, draft_digest)
        VALUES (said.user_message_id, said.tenant_id, said.session_id, said.turn_id, turn_no * 2, 'user', said.parts,
                said.client_message_id, decode(said.draft_digest, 'hex'));
{begin}        RETURN NEXT;
    END LOOP;
END
$$
"""
ACCEPT_NOW = ACCEPT.format(
    told=", begun neo_begun",
    asked=", held_for interval",
    clean=" begun := NULL;",
    begin="""        IF said.held_for IS NOT NULL AND open_turns = 0 THEN
            SELECT b.* INTO begun FROM neo_begin_turn(said.tenant_id, said.turn_id, said.held_for) b;
        END IF;
""",
)
ACCEPT_BEFORE = ACCEPT.format(told="", asked="", clean="", begin="")

# Said again each second, it need not survive a crash of the server: it is not waited for on the disk. What is locked is
# being ended or begun anew.
HOLD = """
CREATE FUNCTION neo_hold_turns(turns uuid[], held_for interval)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT set_config('synchronous_commit', 'off', true);
    UPDATE chat_turns t SET held_until = clock_timestamp() + held_for
    WHERE t.id IN (
        SELECT o.id FROM chat_turns o
        WHERE o.id = ANY (turns) AND o.status = 'RUNNING' AND o.held_until IS NOT NULL
        FOR UPDATE SKIP LOCKED)
$$
"""

SWEEP = """
CREATE FUNCTION neo_sweep_turns({intervals}, turns_max integer)
RETURNS TABLE (tenant_id uuid, session_id uuid, id uuid, status text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE chat_turns t SET swept_at = clock_timestamp()
    WHERE t.id IN (
        SELECT o.id FROM chat_turns o
        WHERE o.status IN ('QUEUED', 'RUNNING')
          AND {is_due}
          AND NOT EXISTS (
              SELECT 1 FROM chat_turns e
              WHERE e.session_id = o.session_id AND e.turn_no < o.turn_no
                AND e.status IN ('QUEUED', 'RUNNING'))
        ORDER BY o.created_at
        LIMIT turns_max
        FOR UPDATE SKIP LOCKED)
    RETURNING t.tenant_id, t.session_id, t.id, t.status
$$
"""
SWEEP_NOW = SWEEP.format(
    intervals="queued_after interval, running_after interval",
    is_due="""clock_timestamp() > CASE
              WHEN o.status = 'QUEUED' THEN greatest(o.created_at, o.swept_at) + queued_after
              WHEN o.held_until > coalesce(o.swept_at, '-infinity') THEN o.held_until
              ELSE greatest(o.started_at, o.swept_at) + running_after END""",
)
SWEEP_BEFORE = SWEEP.format(
    intervals="queued_after interval, begun_after interval, running_after interval",
    is_due="""greatest(o.created_at, o.started_at, o.swept_at)
              < clock_timestamp() - CASE WHEN o.status = 'QUEUED' THEN queued_after
                                         WHEN o.swept_at > o.started_at THEN running_after
                                         ELSE begun_after END""",
)


NAMED = "neo_begin_turn, neo_accept_messages, neo_sweep_turns"


def upgrade() -> None:
    op.execute("ALTER TABLE chat_turns ADD COLUMN held_until timestamptz")
    op.execute(f"DROP FUNCTION {NAMED}")
    op.execute(f"CREATE TYPE neo_begun AS ({COLUMNS})")
    _create(BEGINNING_NOW, ACCEPT_NOW, HOLD, SWEEP_NOW, named=f"{NAMED}, neo_hold_turns")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {NAMED}, neo_hold_turns")
    op.execute("DROP TYPE neo_begun")
    _create(BEGINNING_BEFORE, ACCEPT_BEFORE, SWEEP_BEFORE, named=NAMED)
    op.execute("ALTER TABLE chat_turns DROP COLUMN held_until")


def _create(*functions: str, named: str) -> None:
    for function in functions:
        op.execute(function)
    op.execute(f"REVOKE ALL ON FUNCTION {named} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {named} TO {app_role()}")
