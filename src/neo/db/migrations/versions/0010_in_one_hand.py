"""A turn is begun by one at a time: an early step begins only what nobody has begun, and a first attempt waits while
another process has the turn in hand. A turn that follows another was not left behind when that has only just ended.
"""

from alembic import op

from neo.db.policies import app_role

revision = "0010"
down_revision = "0009"

BEGIN = """
CREATE FUNCTION neo_begin_turn({arguments})
RETURNS SETOF neo_begun
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    turn chat_turns;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    UPDATE chat_turns t SET status = 'RUNNING', pen = t.pen + 1, attempts = t.attempts + 1,
        started_at = coalesce(t.started_at, clock_timestamp()), held_until = clock_timestamp() + held_for
    WHERE t.tenant_id = of_tenant AND t.id = turn_id AND {may_begin}
    RETURNING t.* INTO turn;
    IF FOUND THEN
        RETURN QUERY SELECT * FROM neo_begun_of(turn);
    END IF;
END
$$
"""
BEGIN_NOW = BEGIN.format(
    # Those who do not say that theirs is the first attempt are processes of before this version.
    arguments="of_tenant uuid, turn_id uuid, held_for interval DEFAULT NULL, is_first boolean DEFAULT false",
    may_begin="""(t.status = 'QUEUED' OR t.status = 'RUNNING' AND NOT (
        is_first AND (held_for IS NOT NULL OR t.held_until IS NOT NULL AND t.held_until > clock_timestamp())))""",
)
BEGIN_BEFORE = BEGIN.format(
    arguments="of_tenant uuid, turn_id uuid, held_for interval DEFAULT NULL",
    may_begin="t.status IN ('QUEUED', 'RUNNING')",
)

SWEEP = """
CREATE OR REPLACE FUNCTION neo_sweep_turns(queued_after interval, running_after interval, turns_max integer)
RETURNS TABLE (tenant_id uuid, session_id uuid, id uuid, status text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE chat_turns t SET swept_at = clock_timestamp()
    WHERE t.id IN (
        SELECT o.id FROM chat_turns o
        WHERE o.status IN ('QUEUED', 'RUNNING')
          AND clock_timestamp() > CASE
              WHEN o.status = 'QUEUED' THEN greatest(o.created_at, o.swept_at) + queued_after
              WHEN o.held_until > coalesce(o.swept_at, '-infinity') THEN o.held_until
              ELSE greatest(o.started_at, o.swept_at) + running_after END
          AND NOT EXISTS (
              SELECT 1 FROM chat_turns e
              WHERE e.session_id = o.session_id AND e.turn_no < o.turn_no
                AND e.status IN ('QUEUED', 'RUNNING')){and_not_just_now}
        ORDER BY o.created_at
        LIMIT turns_max
        FOR UPDATE SKIP LOCKED)
    RETURNING t.tenant_id, t.session_id, t.id, t.status
$$
"""
SWEEP_NOW = SWEEP.format(
    and_not_just_now="""
          AND NOT (o.status = 'QUEUED' AND EXISTS (
              SELECT 1 FROM chat_turns b
              WHERE b.tenant_id = o.tenant_id AND b.session_id = o.session_id AND b.turn_no = o.turn_no - 1
                AND b.ended_at > clock_timestamp() - queued_after))"""
)
SWEEP_BEFORE = SWEEP.format(and_not_just_now="")


def upgrade() -> None:
    _replace(BEGIN_NOW, SWEEP_NOW)


def downgrade() -> None:
    _replace(BEGIN_BEFORE, SWEEP_BEFORE)


def _replace(begin: str, sweep: str) -> None:
    op.execute("DROP FUNCTION neo_begin_turn")
    for function in (begin, sweep):
        op.execute(function)
    op.execute("REVOKE ALL ON FUNCTION neo_begin_turn FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION neo_begin_turn TO {app_role()}")
