"""What every turn waits for, as functions: each sets its own tenant and takes one message to the server, not four.

They run with the caller's rights, behind the same row-level security as a transaction of that tenant. The setting ends
with the statement that called them.
"""

from alembic import op

from neo.db.policies import app_role

revision = "0005"
down_revision = "0004"

SIGHT = """
CREATE FUNCTION neo_glance(of_tenant uuid, session_ids uuid[])
RETURNS TABLE (id uuid, tenant_id uuid, account_id uuid, actor_tenant_id uuid, channel text,
               show_agent_progress_steps boolean, turn_no integer, status text, pen integer, terminal_n integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    RETURN QUERY
    SELECT s.id, s.tenant_id, s.account_id, s.actor_tenant_id, s.channel, s.show_agent_progress_steps,
           t.turn_no, t.status, t.pen, t.terminal_n
    FROM chat_sessions s
    LEFT JOIN LATERAL (
        SELECT turn_no, status, pen, terminal_n FROM chat_turns
        WHERE tenant_id = s.tenant_id AND session_id = s.id ORDER BY turn_no DESC LIMIT 1
    ) t ON true
    WHERE s.tenant_id = of_tenant AND s.id = ANY (session_ids);
END
$$
"""

BEGINNING = """
CREATE FUNCTION neo_begin_turn(of_tenant uuid, turn_id uuid)
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
            started_at = coalesce(t.started_at, clock_timestamp())
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

# Whoever closes a turn holds the session's lock, or a message accepted meanwhile would be started by nobody. A cancel
# that was accepted holds, also when the answer was complete before it was heard. The turn to start next is looked for
# by a statement that begins after the lock was taken, so none that was accepted is missed.
END = """
CREATE FUNCTION neo_end_turn(of_tenant uuid, of_session uuid, turn_id uuid, held_pen integer, ended_as text,
                             ended_at_n integer, outcome jsonb, answer jsonb, goes_on jsonb)
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
        WHERE t.tenant_id = of_tenant AND t.id = turn_id AND t.pen = held_pen AND t.status IN ('QUEUED', 'RUNNING')
        RETURNING t.*
    ), kept AS (
        INSERT INTO chat_messages (id, tenant_id, session_id, turn_id, position, role, parts)
        SELECT c.reply_message_id, c.tenant_id, c.session_id, c.id, c.turn_no * 2 + 1, 'assistant', answer
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
        WHERE s.tenant_id = of_tenant AND s.id = of_session
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
# A turn may be begun before Temporal is told of it, so one that nobody has looked at since is looked at sooner.
SWEEP_NOW = SWEEP.format(
    intervals="queued_after interval, begun_after interval, running_after interval",
    is_due="""greatest(o.created_at, o.started_at, o.swept_at)
              < clock_timestamp() - CASE WHEN o.status = 'QUEUED' THEN queued_after
                                         WHEN o.swept_at > o.started_at THEN running_after
                                         ELSE begun_after END""",
)
SWEEP_BEFORE = SWEEP.format(
    intervals="queued_after interval, running_after interval",
    is_due="""coalesce(o.swept_at, o.started_at, o.created_at)
              < clock_timestamp() - CASE o.status WHEN 'QUEUED' THEN queued_after ELSE running_after END""",
)

CALLED = "neo_glance, neo_begin_turn, neo_end_turn"


def upgrade() -> None:
    op.execute("DROP FUNCTION neo_sweep_turns")
    _create((SIGHT, BEGINNING, END, SWEEP_NOW), f"{CALLED}, neo_sweep_turns")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {CALLED}, neo_sweep_turns")
    _create((SWEEP_BEFORE,), "neo_sweep_turns")


def _create(functions: tuple[str, ...], names: str) -> None:
    for function in functions:
        op.execute(function)
    op.execute(f"REVOKE ALL ON FUNCTION {names} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {names} TO {app_role()}")
