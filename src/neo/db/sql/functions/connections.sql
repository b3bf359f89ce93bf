-- Which connections' lists of tools are to be read again. The refresher has no tenant, so this runs with the owner's rights;
-- it returns ids only.

-- Takes due connections for as long as the lease: whoever took them and died leaves them due again. Each tenant's first
-- come before anybody's second, so that one with many slow servers does not keep the others waiting.
CREATE FUNCTION neo_take_due_connections(rows_max integer, lease interval)
RETURNS TABLE (tenant_id uuid, id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
    WITH due AS MATERIALIZED (
        SELECT c.id, c.tenant_id, c.due_at
        FROM connections c JOIN tenants t ON t.id = c.tenant_id AND t.suspended_at IS NULL
        WHERE c.due_at <= now()
        ORDER BY c.due_at
        LIMIT 1000
    ), ranked AS MATERIALIZED (
        SELECT d.id, row_number() OVER (PARTITION BY d.tenant_id ORDER BY d.due_at, d.id) AS place, d.due_at
        FROM due d
        ORDER BY place, d.due_at
        LIMIT 64
    ), locked AS MATERIALIZED (
        SELECT c.id FROM connections c JOIN ranked r ON r.id = c.id
        WHERE c.due_at <= now()
        ORDER BY r.place, r.due_at
        LIMIT rows_max
        FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE connections c SET due_at = now() + lease
    WHERE c.id = ANY (ARRAY(SELECT l.id FROM locked l))
    RETURNING c.tenant_id, c.id
$$;
