"""A turn's row says until when the process that began it answers for it, before Temporal has heard of it.

While it holds, nobody else looks at the turn; once it has passed, whoever sweeps does so at once.
"""

from alembic import op

from neo.db.policies import app_role

revision = "0007"
down_revision = "0006"

BEGINNING = """
CREATE FUNCTION neo_begin_turn({asked})
RETURNS TABLE (id uuid, tenant_id uuid, session_id uuid, turn_no integer, status text, model_tier text,
               reply_message_id uuid, pen integer, attempts integer, created_at timestamptz,
               cancel_requested_at timestamptz, traceparent text,
               continues_provider text, continues_region text, continues_response_id text, continues_turn_no integer,
               instructions text, agent_model text, reasoning_effort text, message_id uuid, parts jsonb,
               of_company text)
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
    asked="of_tenant uuid, turn_id uuid, held_for interval DEFAULT NULL",
    held=", held_until = clock_timestamp() + held_for",
)
BEGINNING_BEFORE = BEGINNING.format(asked="of_tenant uuid, turn_id uuid", held="")

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


def upgrade() -> None:
    op.execute("ALTER TABLE chat_turns ADD COLUMN held_until timestamptz")
    op.execute("DROP FUNCTION neo_begin_turn, neo_sweep_turns")
    _create(BEGINNING_NOW, HOLD, SWEEP_NOW, named="neo_begin_turn, neo_hold_turns, neo_sweep_turns")


def downgrade() -> None:
    op.execute("DROP FUNCTION neo_begin_turn, neo_hold_turns, neo_sweep_turns")
    _create(BEGINNING_BEFORE, SWEEP_BEFORE, named="neo_begin_turn, neo_sweep_turns")
    op.execute("ALTER TABLE chat_turns DROP COLUMN held_until")


def _create(*functions: str, named: str) -> None:
    for function in functions:
        op.execute(function)
    op.execute(f"REVOKE ALL ON FUNCTION {named} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {named} TO {app_role()}")
