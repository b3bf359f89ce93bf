-- What is done before a tenant is known: claiming turns in the order that is fair to tenants, renewing leases, finding
-- what is due. These run with the owner's rights; they return ids, and nothing that was said.

-- Whether a turn of anybody may be claimed now.
CREATE FUNCTION neo_is_claimable_waiting()
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT EXISTS (SELECT 1 FROM chat_turns t WHERE t.claimable_at <= clock_timestamp())
$$;

-- Claims turns: the oldest of the tenants that hold the fewest leases. What somebody else is claiming is skipped.
--
-- `takes_over` also claims turns whose lease has passed; tenants in `without_tenants` have what they may take in the
-- calling process; `only_turn` is the one to claim. An exhausted turn was begun too often: it is to be ended. `late_seconds`
-- is how long the lease of one that is taken over had passed.
CREATE FUNCTION neo_take_claims(
    turns_max integer, lease interval, takes_over boolean, without_tenants uuid[], only_turn uuid)
RETURNS TABLE (tenant_id uuid, id uuid, is_exhausted boolean, late_seconds double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    -- A value that stands still can be looked up in an index.
    looked_at timestamptz := clock_timestamp();
    locked uuid[];
    exhausted uuid[];
    late double precision[];
BEGIN
    -- Each tenant is one step through an index, and gives its oldest turns alone: how many others it has waiting costs
    -- nobody anything. The locking SELECT asks again what the ranking saw: the row may have been claimed since.
    WITH RECURSIVE waiting (tenant_id) AS (
        (SELECT c.tenant_id FROM chat_turns c WHERE c.lease_id IS NULL AND c.status IN ('QUEUED', 'RUNNING')
           AND only_turn IS NULL
         ORDER BY c.tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT c.tenant_id FROM chat_turns c
                WHERE c.lease_id IS NULL AND c.status IN ('QUEUED', 'RUNNING') AND c.tenant_id > w.tenant_id
                ORDER BY c.tenant_id LIMIT 1)
        FROM waiting w WHERE w.tenant_id IS NOT NULL
    ), tenant AS (
        SELECT w.tenant_id FROM waiting w WHERE w.tenant_id IS NOT NULL
        UNION
        SELECT l.tenant_id FROM chat_turns l
        WHERE takes_over AND only_turn IS NULL AND l.lease_id IS NOT NULL AND l.claimable_at <= looked_at
    ), standing AS MATERIALIZED (
        -- Counted once for a tenant: inlined, it would be counted again for each of its turns.
        SELECT c.tenant_id, (
            SELECT count(*) FROM chat_turns l
            WHERE l.tenant_id = c.tenant_id AND l.lease_id IS NOT NULL AND l.claimable_at > looked_at
        ) AS leases
        FROM tenant c WHERE c.tenant_id <> ALL (without_tenants)
    ), ranked AS MATERIALIZED (
        (SELECT o.id, w.leases + o.place AS rank, o.claimable_at
        FROM standing w
        CROSS JOIN LATERAL (
            SELECT c.id, c.claimable_at, row_number() OVER (ORDER BY c.claimable_at, c.id) AS place
            FROM (
                (SELECT n.id, n.claimable_at FROM chat_turns n
                 WHERE n.tenant_id = w.tenant_id AND n.lease_id IS NULL AND n.status IN ('QUEUED', 'RUNNING')
                   AND n.claimable_at <= looked_at
                 ORDER BY n.claimable_at, n.id LIMIT 32)
                UNION ALL
                (SELECT l.id, l.claimable_at FROM chat_turns l
                 WHERE takes_over AND l.tenant_id = w.tenant_id AND l.lease_id IS NOT NULL
                   AND l.claimable_at <= looked_at
                 ORDER BY l.claimable_at, l.id LIMIT 32)
            ) c
        ) o
        ORDER BY rank, o.claimable_at
        LIMIT 64)
        UNION ALL
        SELECT t.id, 0, t.claimable_at FROM chat_turns t
        WHERE t.id = only_turn AND t.tenant_id <> ALL (without_tenants)
    )
    SELECT array_agg(l.id), array_agg(l.id) FILTER (WHERE l.is_exhausted), array_agg(l.late_seconds)
    INTO locked, exhausted, late FROM (
        SELECT t.id, CASE WHEN t.lease_id IS NOT NULL
                     THEN extract(epoch FROM clock_timestamp() - t.claimable_at)::double precision END AS late_seconds,
               t.claim >= 62 OR t.segment_attempts + (t.lease_id IS NOT NULL)::integer >= 6 AS is_exhausted
        FROM chat_turns t JOIN ranked r ON r.id = t.id
        WHERE t.claimable_at <= clock_timestamp() AND (takes_over OR t.lease_id IS NULL)
          AND t.status IN ('QUEUED', 'RUNNING')
        ORDER BY r.rank, r.claimable_at
        LIMIT turns_max
        FOR UPDATE OF t SKIP LOCKED
    ) l;
    RETURN QUERY
    UPDATE chat_turns t SET
        status = 'RUNNING',
        claim = least(t.claim + 1, 62),
        attempts = t.attempts + (t.lease_id IS NOT NULL OR t.started_at IS NULL)::integer,
        segment_attempts = t.segment_attempts + (t.lease_id IS NOT NULL)::integer,
        lease_id = gen_random_uuid(), claimable_at = clock_timestamp() + lease,
        started_at = coalesce(t.started_at, clock_timestamp())
    WHERE t.id = ANY (locked)
    RETURNING t.tenant_id, t.id, coalesce(t.id = ANY (exhausted), false), late[array_position(locked, t.id)];
END
$$;

-- Renews the leases of one process, notes that it is there, and returns what has become of its turns and of those that
-- it waits for. A locked row is skipped: whoever has the lock renews the lease or ends it. A turn is lost only if somebody
-- else has a lease of it: one without any was ended, or gave up or waits, and its driver may still be about to say so.
CREATE FUNCTION neo_renew_leases(
    process_id uuid, of_places integer, turn_ids uuid[], lease_ids uuid[], joined_ids uuid[], lease interval)
RETURNS TABLE (id uuid, status text, is_lost boolean, is_to_stop boolean, is_claimable boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
#variable_conflict use_column
BEGIN
    -- A renewal that a crash of PostgreSQL takes back is made again within a second, so the disk is not waited for.
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO turn_processes AS p (id, places, seen_at) VALUES (process_id, of_places, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET places = excluded.places, seen_at = excluded.seen_at;
    DELETE FROM turn_processes p WHERE p.seen_at < clock_timestamp() - interval '1 hour';
    UPDATE chat_turns t SET claimable_at = clock_timestamp() + lease
    WHERE t.id IN (
        SELECT h.id FROM chat_turns h
        JOIN unnest(turn_ids, lease_ids) AS mine (id, lease_id) ON h.id = mine.id AND h.lease_id = mine.lease_id
        FOR UPDATE OF h SKIP LOCKED);
    RETURN QUERY
    SELECT t.id, t.status, coalesce(t.lease_id <> mine.lease_id, false),
           t.cancel_requested_at IS NOT NULL OR t.ended_at IS NOT NULL,
           coalesce(t.claimable_at <= clock_timestamp(), false)
    FROM unnest(turn_ids, lease_ids) AS mine (id, lease_id)
    JOIN chat_turns t ON t.id = mine.id
    WHERE t.lease_id IS DISTINCT FROM mine.lease_id OR t.cancel_requested_at IS NOT NULL
    UNION ALL
    SELECT t.id, t.status, false, false, coalesce(t.claimable_at <= clock_timestamp(), false)
    FROM chat_turns t WHERE t.id = ANY (joined_ids);
END
$$;

-- Turns that were to be cancelled and that nobody drives any more.
CREATE FUNCTION neo_overdue_cancels(older_than interval, turns_max integer)
RETURNS TABLE (tenant_id uuid, session_id uuid, id uuid)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT t.tenant_id, t.session_id, t.id FROM chat_turns t
    WHERE t.status = 'RUNNING' AND t.cancel_requested_at < clock_timestamp() - older_than
      AND t.claimable_at < clock_timestamp() - older_than
    ORDER BY t.cancel_requested_at
    LIMIT turns_max
$$;

-- Requests whose time for a decision has passed.
CREATE FUNCTION neo_overdue_requests(requests_max integer)
RETURNS TABLE (tenant_id uuid, call_id text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT r.tenant_id, r.call_id FROM approval_requests r
    WHERE r.status = 'PENDING' AND r.expires_at < clock_timestamp()
    ORDER BY r.expires_at
    LIMIT requests_max
$$;

-- How many processes run turns, as seen in these seconds, and how long the turn that is claimable longest has waited.
-- One without places drains.
CREATE FUNCTION neo_turn_processes(seen_within interval)
RETURNS TABLE (processes bigint, places bigint, oldest_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT count(*), coalesce(sum(p.places), 0), (
        SELECT extract(epoch FROM clock_timestamp() - min(t.claimable_at))
        FROM chat_turns t WHERE t.claimable_at <= clock_timestamp())
    FROM turn_processes p WHERE p.places > 0 AND p.seen_at > clock_timestamp() - seen_within
$$;
