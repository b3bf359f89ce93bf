-- The audit log is a chain for each tenant: an entry has a number, and a hash over itself and the hash of the one before.
-- What people are called is not in the chain but in `audit_details`, whose digest the entry has: details can be erased and
-- the oldest entries replaced by an anchor, and the chain stays whole. The application's role writes none of these tables.

-- What an entry says of its details. The salt goes with them, so that nobody can guess afterwards what they were.
CREATE FUNCTION neo_audit_digest(salt bytea, end_user text, details jsonb)
RETURNS bytea
LANGUAGE sql IMMUTABLE
RETURN sha256(salt || convert_to(jsonb_build_array(end_user, details)::text, 'UTF8'));

CREATE FUNCTION neo_audit_hash(entry audit_log)
RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(entry.previous_hash || convert_to(jsonb_build_array(
        entry.tenant_id, entry.sequence, entry.id, (extract(epoch FROM entry.created_at) * 1000000)::bigint,
        entry.actor_kind, entry.actor_id, entry.actor_tenant_id, entry.credential_id, entry.action, entry.object_kind,
        entry.object_id, entry.request_id, encode(entry.details_digest, 'hex'))::text, 'UTF8'))
$$;

-- Adds an entry of the tenant that the transaction has set. It is chained, and gets its time, when that commits.
CREATE FUNCTION neo_add_audit_entry(
    of_tenant uuid, by_kind text, by_id uuid, by_tenant uuid, with_credential uuid, of_action text, of_kind text,
    of_object text, by_request uuid, for_end_user text, with_details jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    has_details boolean := for_end_user IS NOT NULL OR with_details <> '{}';
    salt bytea := uuid_send(gen_random_uuid());
    entry_id bigint;
BEGIN
    -- What reads like another kind of actor would be taken for it.
    IF by_kind NOT IN ('operator', 'platform', 'service_account', 'technician', 'end_user') THEN
        RAISE check_violation USING MESSAGE = 'nobody of that kind acts here';
    END IF;
    -- What the operator did is on record by the operator's own role alone.
    IF by_kind = 'operator' AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
        RAISE insufficient_privilege USING MESSAGE = 'permission denied: only the owner''s role records the operator';
    END IF;
    INSERT INTO audit_log (tenant_id, actor_kind, actor_id, actor_tenant_id, credential_id, action, object_kind,
                           object_id, request_id, details_digest)
    VALUES (of_tenant, by_kind, by_id, by_tenant, with_credential, of_action, of_kind, of_object, by_request,
            CASE WHEN has_details THEN neo_audit_digest(salt, for_end_user, with_details) END)
    RETURNING id INTO entry_id;
    IF has_details THEN
        INSERT INTO audit_details (entry_id, tenant_id, salt, end_user, details)
        VALUES (entry_id, of_tenant, salt, for_end_user, with_details);
    END IF;
END
$$;

-- Chains an entry when its transaction commits. The lock of the tenant's chain is then the last one that is taken, so
-- nobody who waits for it holds what its holder needs, and it is held for no message of the client's.
CREATE FUNCTION neo_chain_audit_entry()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    entry audit_log := NEW;
BEGIN
    PERFORM set_config('neo.tenant_id', entry.tenant_id::text, true);
    INSERT INTO audit_chains (tenant_id, sequence, hash) VALUES (entry.tenant_id, 0, '') ON CONFLICT DO NOTHING;
    SELECT c.sequence + 1, c.hash INTO entry.sequence, entry.previous_hash
    FROM audit_chains c WHERE c.tenant_id = entry.tenant_id FOR UPDATE;
    entry.created_at := clock_timestamp();
    entry.hash := neo_audit_hash(entry);
    UPDATE audit_log l
    SET sequence = entry.sequence, previous_hash = entry.previous_hash, hash = entry.hash, created_at = entry.created_at
    WHERE l.id = entry.id;
    UPDATE audit_chains c SET sequence = entry.sequence, hash = entry.hash WHERE c.tenant_id = entry.tenant_id;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER audit_log_chained AFTER INSERT ON audit_log DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION neo_chain_audit_entry();

-- What is wrong with a tenant's chain, from its newest anchor on, oldest first. It is STABLE so that all of it looks at one
-- moment: entries may be added meanwhile.
CREATE FUNCTION neo_operator_audit_faults(of_tenant uuid, faults_max integer)
RETURNS TABLE (id bigint, sequence bigint, fault text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    head audit_chains;
    last audit_chains;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    SELECT c.* INTO head FROM audit_chains c WHERE c.tenant_id = of_tenant;
    SELECT a.tenant_id, a.sequence, a.hash INTO last FROM audit_anchors a
    WHERE a.tenant_id = of_tenant ORDER BY a.sequence DESC LIMIT 1;
    last.sequence := coalesce(last.sequence, 0);
    last.hash := coalesce(last.hash, '');
    RETURN QUERY
    SELECT f.id, f.sequence, f.fault FROM (
        SELECT (e.entry).id, (e.entry).sequence, CASE
            WHEN (e.entry).hash IS NULL THEN 'was never chained'
            WHEN (e.entry).sequence <> coalesce(e.before_sequence, last.sequence) + 1 THEN 'follows entries that are gone'
            WHEN (e.entry).previous_hash <> coalesce(e.before_hash, last.hash) THEN 'does not follow the one before'
            WHEN (e.entry).hash <> neo_audit_hash(e.entry) THEN 'was changed'
            WHEN d.entry_id IS NOT NULL
             AND (e.entry).details_digest IS DISTINCT FROM neo_audit_digest(d.salt, d.end_user, d.details)
                THEN 'has details that were changed'
        END AS fault
        FROM (
            SELECT l AS entry, lag(l.sequence) OVER chain AS before_sequence, lag(l.hash) OVER chain AS before_hash
            FROM audit_log l WHERE l.tenant_id = of_tenant
            WINDOW chain AS (ORDER BY l.sequence)
        ) e
        LEFT JOIN audit_details d ON d.tenant_id = of_tenant AND d.entry_id = (e.entry).id
        UNION ALL
        SELECT NULL, head.sequence, CASE
            WHEN head.sequence IS NULL THEN 'are there, and no chain is'
            ELSE 'is the newest one, and is gone' END
        FROM (
            SELECT max(l.sequence) AS sequence, max(l.hash) FILTER (WHERE l.sequence = head.sequence) AS hash
            FROM audit_log l WHERE l.tenant_id = of_tenant
        ) n
        WHERE (coalesce(n.sequence, last.sequence), coalesce(n.hash, last.hash))
            IS DISTINCT FROM (head.sequence, head.hash)
    ) f
    WHERE f.fault IS NOT NULL
    ORDER BY f.sequence NULLS LAST, f.id NULLS LAST
    LIMIT faults_max;
END
$$;

-- Erases the details of each entry that names a person, or is about a technician; returns of how many. Entries, with the
-- ids in them, stay.
CREATE FUNCTION neo_operator_erase_audit_details(of_tenant uuid, person text)
RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    erased bigint;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    WITH gone AS (
        DELETE FROM audit_details d USING audit_log l
        WHERE d.tenant_id = of_tenant AND l.tenant_id = of_tenant AND l.id = d.entry_id AND (
            lower(d.end_user) = lower(person) OR (l.object_kind = 'technician' AND l.object_id = lower(person))
            OR jsonb_path_exists(lower(d.details::text)::jsonb, '$.** ? (@ == $person)',
                                 jsonb_build_object('person', lower(person))))
        RETURNING 1
    )
    SELECT count(*) INTO erased FROM gone;
    IF erased > 0 THEN
        PERFORM neo_add_audit_entry(of_tenant, 'operator', NULL, of_tenant, NULL, 'audit_log.erased', 'audit_log',
                                    of_tenant::text, NULL, NULL, jsonb_build_object('entries', erased));
    END IF;
    RETURN erased;
END
$$;

-- Replaces a tenant's entries that are older than this by an anchor, which says how many and of when they were, and from
-- which hash on the chain goes on; returns how many.
CREATE FUNCTION neo_operator_trim_audit_log(of_tenant uuid, older_than interval)
RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    kept bigint;
    anchor audit_anchors;
BEGIN
    PERFORM set_config('neo.tenant_id', of_tenant::text, true);
    -- Whoever writes entries is not in the way, but another trim would count the same ones.
    PERFORM pg_advisory_xact_lock(hashtextextended('neo_operator_trim_audit_log ' || of_tenant, 0));
    SELECT min(l.sequence) INTO kept FROM audit_log l
    WHERE l.tenant_id = of_tenant AND l.created_at >= clock_timestamp() - older_than;
    SELECT count(*), max(l.sequence), min(l.created_at), max(l.created_at)
    INTO anchor.entries, anchor.sequence, anchor.from_at, anchor.until_at
    FROM audit_log l WHERE l.tenant_id = of_tenant AND (kept IS NULL OR l.sequence < kept);
    IF anchor.entries = 0 THEN
        RETURN 0;
    END IF;
    SELECT l.hash INTO anchor.hash FROM audit_log l WHERE l.tenant_id = of_tenant AND l.sequence = anchor.sequence;
    INSERT INTO audit_anchors (tenant_id, sequence, hash, entries, from_at, until_at)
    VALUES (of_tenant, anchor.sequence, anchor.hash, anchor.entries, anchor.from_at, anchor.until_at);
    DELETE FROM audit_details d USING audit_log l
    WHERE d.entry_id = l.id AND l.tenant_id = of_tenant AND l.sequence <= anchor.sequence;
    DELETE FROM audit_log l WHERE l.tenant_id = of_tenant AND l.sequence <= anchor.sequence;
    PERFORM neo_add_audit_entry(
        of_tenant, 'operator', NULL, of_tenant, NULL, 'audit_log.trimmed', 'audit_log', of_tenant::text, NULL, NULL,
        jsonb_build_object('entries', anchor.entries, 'from', anchor.from_at, 'until', anchor.until_at,
                           'sequence', anchor.sequence, 'hash', encode(anchor.hash, 'hex')));
    RETURN anchor.entries;
END
$$;
