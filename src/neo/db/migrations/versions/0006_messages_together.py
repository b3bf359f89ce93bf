"""Messages that come in the same moment are stored by one statement, if all stands as it was looked at.

Like those of 0005, the functions run with the caller's rights; they set the tenant of each row that they look at or
store, and what a row of one tenant says of another's is not found.
"""

from alembic import op

from neo.db.policies import app_role

revision = "0006"
down_revision = "0005"

# `seen` tells how a session stands from how it stands at any other time.
STANDINGS = """
CREATE FUNCTION neo_standings(tenants uuid[], sessions uuid[])
RETURNS TABLE (id uuid, tenant_id uuid, account_id uuid, actor_tenant_id uuid, channel text, channel_id uuid,
               audience text, archived_at timestamptz, show_agent_progress_steps boolean, access text,
               access_user_ids uuid[], agent_deleted_at timestamptz, agent_overlap text, channel_status text,
               channel_overlap text, seen text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    FOR i IN 1 .. cardinality(sessions) LOOP
        PERFORM set_config('neo.tenant_id', tenants[i]::text, true);
        RETURN QUERY
        SELECT n.*, md5(n::text) FROM (
            SELECT s.id, s.tenant_id, s.account_id, s.actor_tenant_id, s.channel, s.channel_id, s.audience,
                   s.archived_at, s.show_agent_progress_steps,
                   a.access, a.access_user_ids, a.deleted_at, a.overlap, c.status, c.overlap
            FROM chat_sessions s
            JOIN agents a ON a.tenant_id = s.tenant_id AND a.id = s.agent_id
            LEFT JOIN channels c ON c.tenant_id = s.tenant_id AND c.id = s.channel_id AND c.deleted_at IS NULL
            WHERE s.tenant_id = tenants[i] AND s.id = sessions[i]
        ) n;
    END LOOP;
END
$$
"""

# Of each message: the session counts the turn, the turn is queued, the message said. The session's lock keeps the
# number of open turns true until the commit; it is not waited for, or one tenant's message would wait for another's.
# What is not stored is not told: its session is locked, stands otherwise than it was seen, has heard the message before
# or has too many open turns. What is told again, because the answer was lost, is found by its id.
ACCEPT = """
CREATE FUNCTION neo_accept_messages(messages jsonb)
RETURNS TABLE (turn_id uuid, turn_no integer, open_turns integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    said record;
BEGIN
    FOR said IN SELECT * FROM jsonb_to_recordset(messages) AS m (
        tenant_id uuid, session_id uuid, seen text, open_turns_max integer, title text, turn_id uuid,
        user_message_id uuid, reply_message_id uuid, model_tier text, parts jsonb, client_message_id text,
        draft_digest text, traceparent text)
    LOOP
        PERFORM set_config('neo.tenant_id', said.tenant_id::text, true);
        PERFORM 1 FROM chat_sessions s WHERE s.tenant_id = said.tenant_id AND s.id = said.session_id
        FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;

        turn_id := said.turn_id;
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
        RETURN NEXT;
    END LOOP;
END
$$
"""

CALLED = "neo_standings, neo_accept_messages"


def upgrade() -> None:
    for function in (STANDINGS, ACCEPT):
        op.execute(function)
    op.execute(f"REVOKE ALL ON FUNCTION {CALLED} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {CALLED} TO {app_role()}")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {CALLED}")
