-- What keeps turns moving when a process has died, and stops those that were cancelled. A worker runs turns of all
-- tenants, so these run with the owner's rights; they return ids, and nothing that was said.

-- Turns that nobody drives, oldest first, each for one sweeper at a time (`swept_at`).
--
-- A queued turn is one that has waited for `queued_after`, also since the turn before it ended, for its start follows that
-- end. A running turn is one whose `held_until` has passed, or that was not looked at for `running_after`.
CREATE FUNCTION neo_sweep_turns(queued_after interval, running_after interval, turns_max integer)
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
                AND e.status IN ('QUEUED', 'RUNNING'))
          AND NOT (o.status = 'QUEUED' AND EXISTS (
              SELECT 1 FROM chat_turns b
              WHERE b.tenant_id = o.tenant_id AND b.session_id = o.session_id AND b.turn_no = o.turn_no - 1
                AND b.ended_at > clock_timestamp() - queued_after))
        ORDER BY o.created_at
        LIMIT turns_max
        FOR UPDATE SKIP LOCKED)
    RETURNING t.tenant_id, t.session_id, t.id, t.status
$$;

-- Says again that these turns are held. A lost answer costs one attempt at most, so the disk is not waited for.
CREATE FUNCTION neo_hold_turns(turns uuid[], held_for interval)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT set_config('synchronous_commit', 'off', true);
    UPDATE chat_turns t SET held_until = clock_timestamp() + held_for
    WHERE t.id IN (
        SELECT o.id FROM chat_turns o
        WHERE o.id = ANY (turns) AND o.status = 'RUNNING' AND o.held_until IS NOT NULL
        FOR UPDATE SKIP LOCKED)
$$;

-- Those of a worker's turns that are to stop, or have ended without it.
CREATE FUNCTION neo_cancelled_turns(turns uuid[])
RETURNS TABLE (id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT t.id FROM chat_turns t
    WHERE t.id = ANY (turns) AND (t.cancel_requested_at IS NOT NULL OR t.status NOT IN ('QUEUED', 'RUNNING'))
$$;

-- Cancelled turns that no worker has ended.
CREATE FUNCTION neo_overdue_cancels(older_than interval, turns_max integer)
RETURNS TABLE (tenant_id uuid, session_id uuid, id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT t.tenant_id, t.session_id, t.id FROM chat_turns t
    WHERE t.status = 'RUNNING' AND t.cancel_requested_at < clock_timestamp() - older_than
    ORDER BY t.cancel_requested_at
    LIMIT turns_max
$$;

-- How long the turn that has waited longest has been next in its session; null when none waits.
CREATE FUNCTION neo_outbox_age()
RETURNS TABLE (seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT extract(epoch FROM clock_timestamp() - min(greatest(t.created_at, (
        SELECT max(e.ended_at) FROM chat_turns e WHERE e.session_id = t.session_id AND e.turn_no < t.turn_no))))
    FROM chat_turns t
    WHERE t.status = 'QUEUED' AND NOT EXISTS (
        SELECT 1 FROM chat_turns e
        WHERE e.session_id = t.session_id AND e.turn_no < t.turn_no AND e.status IN ('QUEUED', 'RUNNING'))
$$;
