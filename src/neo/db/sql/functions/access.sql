-- Who a caller is. These are asked before a tenant is known, so they run with the owner's rights.

-- Whether a key or a token still works: it is not revoked, and not expired if it ever expires.
CREATE FUNCTION neo_is_live(revoked_at timestamptz, expires_at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE
RETURN revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- Whether the key is a live one of the platform's: asked again by what it may change, in the transaction that changes it. It
-- is named by its digest, which the application's role cannot read: only who was sent the key has it.
CREATE FUNCTION neo_is_platform_key(key_digest bytea)
RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
        WHERE k.digest = key_digest AND neo_is_live(k.revoked_at, k.expires_at) AND t.is_platform AND t.suspended_at IS NULL)
$$;

-- A key of the platform is made, and made to last, by the owner's role alone. The application's may end one, and note its use.
CREATE FUNCTION neo_guard_platform_key()
RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role(current_user, (SELECT c.relowner FROM pg_class c WHERE c.oid = TG_RELID), 'MEMBER')
       AND EXISTS (SELECT FROM tenants t WHERE t.id = NEW.tenant_id AND t.is_platform) THEN
        RAISE insufficient_privilege USING MESSAGE = 'permission denied: only the owner''s role makes keys of the platform';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER api_keys_platform BEFORE INSERT OR UPDATE OF expires_at, revoked_at, rotated_at ON api_keys
    FOR EACH ROW WHEN (NEW.revoked_at IS NULL) EXECUTE FUNCTION neo_guard_platform_key();

-- The API keys with these digests, of any tenant.
CREATE FUNCTION neo_find_api_keys(digests bytea[])
RETURNS TABLE (digest bytea, id uuid, tenant_id uuid, account_id uuid, is_platform boolean, is_live boolean,
               is_suspended boolean, last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT k.digest, k.id, k.tenant_id, k.account_id, t.is_platform, neo_is_live(k.revoked_at, k.expires_at),
           t.suspended_at IS NOT NULL, k.last_used_at
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.digest = ANY (digests)
$$;

-- The tenant of a Microsoft tenant; role and is_active are null if the person is not one of its technicians.
CREATE FUNCTION neo_find_technician(entra_tenant uuid, technician uuid)
RETURNS TABLE (tenant_id uuid, is_suspended boolean, role text, is_active boolean)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT t.id, t.suspended_at IS NOT NULL, p.role, p.is_active
    FROM tenants t LEFT JOIN technicians p ON p.tenant_id = t.id AND p.user_id = technician
    WHERE t.entra_tenant_id = entra_tenant
$$;

-- Whether an end user's token still opens its session. A technician's tokens are revoked with their right to mint; this asks
-- for that right as well, so that whoever changes the roster by hand forgets nothing.
CREATE FUNCTION neo_session_token_is_live(token session_tokens, minting_roles text[])
RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT neo_is_live(token.revoked_at, token.expires_at)
       AND EXISTS (SELECT FROM chat_sessions s
                   WHERE s.tenant_id = token.tenant_id AND s.id = token.session_id AND s.archived_at IS NULL)
       AND (token.minter_kind IS DISTINCT FROM 'technician' OR EXISTS (
                SELECT FROM technicians p
                WHERE p.tenant_id = token.tenant_id AND p.user_id = token.minted_by AND p.is_active
                  AND p.role = ANY (minting_roles) AND p.created_at <= token.created_at))
$$;

-- The one session that an end user's token opens, and the tier that it may ask for.
CREATE FUNCTION neo_find_session_token(token uuid, minting_roles text[])
RETURNS TABLE (tenant_id uuid, session_id uuid, account_id uuid, model_tier text, is_live boolean, is_suspended boolean)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT s.tenant_id, s.id, s.account_id, k.model_tier, neo_session_token_is_live(k, minting_roles),
           t.suspended_at IS NOT NULL
    FROM session_tokens k
    JOIN chat_sessions s ON s.tenant_id = k.tenant_id AND s.id = k.session_id
    JOIN tenants t ON t.id = k.tenant_id
    WHERE k.jti = token
$$;

-- Ends the session tokens that a revoked key minted, and says how many. The platform's key mints for other tenants.
CREATE FUNCTION neo_revoke_minted(key_id uuid)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
    WITH ended AS (
        UPDATE session_tokens k SET revoked_at = now()
        WHERE k.minter_credential_id = key_id AND neo_is_live(k.revoked_at, k.expires_at)
          AND EXISTS (SELECT FROM api_keys a WHERE a.id = key_id AND a.revoked_at IS NOT NULL)
        RETURNING 1)
    SELECT count(*) FROM ended
$$;

-- Ends the session tokens that a technician minted, and says how many. It is called where their right to mint is taken away,
-- in that transaction: who is let in again mints anew.
CREATE FUNCTION neo_revoke_minted_by(of_tenant uuid, technician uuid)
RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    WITH ended AS (
        UPDATE session_tokens k SET revoked_at = now()
        WHERE k.tenant_id = of_tenant AND k.minted_by = technician AND neo_is_live(k.revoked_at, k.expires_at)
        RETURNING 1)
    SELECT count(*) FROM ended
$$;

-- The tenant of a session that this account of the platform opened for it.
CREATE FUNCTION neo_find_relayed_session(session uuid, actor_tenant uuid, account uuid)
RETURNS TABLE (tenant_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT s.tenant_id FROM chat_sessions s JOIN tenants t ON t.id = s.tenant_id
    WHERE s.id = session AND s.actor_tenant_id = actor_tenant AND s.account_id = account
      AND t.suspended_at IS NULL
$$;

-- Those of the credentials that no longer work as they did. Whoever streams with one of them is cut off. A technician's
-- has the role that they were let in with.
CREATE FUNCTION neo_lapsed_credentials(
    kinds text[], tenant_ids uuid[], ids uuid[], roles text[], minting_roles text[])
RETURNS TABLE (kind text, tenant_id uuid, id uuid, role text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT c.kind, c.tenant_id, c.id, c.role
    FROM unnest(kinds, tenant_ids, ids, roles) AS c (kind, tenant_id, id, role)
    WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.id = c.tenant_id AND t.suspended_at IS NULL)
       OR NOT CASE c.kind
           WHEN 'api_key' THEN EXISTS (
               -- The platform's key is of another tenant than the one that it acts for.
               SELECT FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
               WHERE k.id = c.id AND neo_is_live(k.revoked_at, k.expires_at) AND t.suspended_at IS NULL)
           WHEN 'technician' THEN EXISTS (
               SELECT FROM technicians p
               WHERE p.tenant_id = c.tenant_id AND p.user_id = c.id AND p.is_active AND p.role = c.role)
           WHEN 'session_token' THEN EXISTS (
               SELECT FROM session_tokens k
               WHERE k.jti = c.id AND neo_session_token_is_live(k, minting_roles))
           ELSE false END
$$;

-- What a caller may do by this credential, with the row that says so locked: nobody takes it away before the transaction
-- ends. The platform's key is of another tenant than the one that it acts for. A session token changes nothing of a
-- tenant, so it holds nothing.
CREATE FUNCTION neo_hold_credential(kind text, home_tenant uuid, credential uuid)
RETURNS TABLE (is_live boolean, is_suspended boolean, role text)
LANGUAGE plpgsql AS $$
DECLARE
    acting_tenant text := current_setting('neo.tenant_id');
BEGIN
    PERFORM set_config('neo.tenant_id', home_tenant::text, true);
    IF kind = 'api_key' THEN
        SELECT neo_is_live(k.revoked_at, k.expires_at) INTO is_live FROM api_keys k
        WHERE k.tenant_id = home_tenant AND k.id = credential FOR SHARE;
    ELSIF kind = 'technician' THEN
        SELECT p.is_active, p.role INTO is_live, role FROM technicians p
        WHERE p.tenant_id = home_tenant AND p.user_id = credential FOR SHARE;
    END IF;
    is_live := coalesce(is_live, false);
    SELECT t.suspended_at IS NOT NULL INTO is_suspended FROM tenants t WHERE t.id = home_tenant;
    PERFORM set_config('neo.tenant_id', acting_tenant, true);
    RETURN NEXT;
END
$$;
