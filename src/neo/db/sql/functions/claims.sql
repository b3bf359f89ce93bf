-- What runs before a tenant is known: claiming in the order that is fair to tenants, leases, what is due. With the
-- owner's rights, ids only.

CREATE FUNCTION neo_is_claimable_waiting()
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM chat_turns t WHERE t.claimable_at <= clock_timestamp())
$$;

-- The claim itself. Turns are ranked by how many leases their tenant holds and by how long they wait; those that
-- somebody else is claiming are skipped.
CREATE FUNCTION neo_take_claims(
    turns_max integer, lease interval, takes_over boolean, without_tenants uuid[], only_turn uuid)
RETURNS TABLE (tenant_id uuid, id uuid, is_exhausted boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    locked uuid[];
BEGIN
    -- The locking SELECT asks again what the ranking saw: the row may have been claimed since.
    WITH ranked AS MATERIALIZED (
        SELECT o.id, w.leases + o.place AS rank, o.claimable_at
        FROM (
            SELECT c.tenant_id, (
                SELECT count(*) FROM chat_turns l
                WHERE l.tenant_id = c.tenant_id AND l.lease_id IS NOT NULL AND l.claimable_at > clock_timestamp()
            ) AS leases
            FROM chat_turns c
            WHERE c.claimable_at <= clock_timestamp() AND (takes_over OR c.lease_id IS NULL)
              AND (only_turn IS NULL OR c.id = only_turn) AND c.tenant_id <> ALL (without_tenants)
            GROUP BY c.tenant_id
        ) w
        CROSS JOIN LATERAL (
            SELECT c.id, c.claimable_at, row_number() OVER (ORDER BY c.claimable_at, c.id) AS place
            FROM chat_turns c
            WHERE c.tenant_id = w.tenant_id AND c.claimable_at <= clock_timestamp()
              AND (takes_over OR c.lease_id IS NULL) AND (only_turn IS NULL OR c.id = only_turn)
            ORDER BY c.claimable_at, c.id
            LIMIT 32
        ) o
        ORDER BY rank, o.claimable_at
        LIMIT 64
    )
    SELECT array_agg(l.id) INTO locked FROM (
        SELECT t.id FROM chat_turns t JOIN ranked r ON r.id = t.id
        WHERE t.claimable_at <= clock_timestamp() AND (takes_over OR t.lease_id IS NULL)
        ORDER BY r.rank, r.claimable_at
        LIMIT turns_max
        FOR UPDATE OF t SKIP LOCKED
    ) l;
    RETURN QUERY
    UPDATE chat_turns t SET
        status = 'RUNNING', waiting_for = NULL,
        claim = least(t.claim + 1, 62),
        attempts = t.attempts + neo_is_attempt(t)::integer,
        segment_attempts = t.segment_attempts + (t.lease_id IS NOT NULL)::integer,
        lease_id = gen_random_uuid(), claimable_at = clock_timestamp() + lease,
        started_at = coalesce(t.started_at, clock_timestamp())
    WHERE t.id = ANY (locked)
    RETURNING t.tenant_id, t.id, t.segment_attempts >= 6 OR (t.claim = 62 AND t.segment_attempts > 0);
END
$$;

-- A first start and a take-over count as attempts; going on with what was given up does not.
CREATE FUNCTION neo_is_attempt(turn chat_turns)
RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT turn.lease_id IS NOT NULL OR turn.started_at IS NULL
$$;

-- Renews the leases of one process, and tells what has become of these turns and of those that it waits for. The
-- process is seen by it. Rows that are locked are being written by somebody, which renews them or ends them.
CREATE FUNCTION neo_renew_leases(
    process_id uuid, places integer, turn_ids uuid[], lease_ids uuid[], joined_ids uuid[], lease interval)
RETURNS TABLE (id uuid, status text, is_lost boolean, is_cancelled boolean, is_claimable boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO turn_processes AS p (id, places, seen_at) VALUES (process_id, places, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET places = excluded.places, seen_at = excluded.seen_at;
    UPDATE chat_turns t SET claimable_at = clock_timestamp() + lease
    WHERE t.id IN (
        SELECT h.id FROM chat_turns h
        JOIN unnest(turn_ids, lease_ids) AS mine (id, lease_id) ON h.id = mine.id AND h.lease_id = mine.lease_id
        FOR UPDATE OF h SKIP LOCKED);
    RETURN QUERY
    SELECT t.id, t.status, mine.lease_id IS NOT NULL AND t.lease_id IS DISTINCT FROM mine.lease_id,
           t.cancel_requested_at IS NOT NULL, coalesce(t.claimable_at <= clock_timestamp(), false)
    FROM unnest(turn_ids || joined_ids, lease_ids) AS mine (id, lease_id)
    JOIN chat_turns t ON t.id = mine.id
    WHERE mine.lease_id IS NULL OR t.lease_id IS DISTINCT FROM mine.lease_id OR t.cancel_requested_at IS NOT NULL;
END
$$;
