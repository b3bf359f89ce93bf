-- Whose a bot is, and where a relayed message goes by it. Both are asked across tenants, so they run with the owner's
-- rights; the application's role writes no bot.

-- Whom a relayed message is for: the tenant whose bot it came by, if that has an active white-label channel of it which is
-- installed in the sender's Microsoft tenant; and the tenant that the relay names, if it may be acted for. Another
-- tenant's own Microsoft tenant is nobody's customer, whatever is installed there.
CREATE FUNCTION neo_find_destination(bot uuid, end_client_tenant uuid, client uuid)
RETURNS TABLE (owner_id uuid, client_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT (
        SELECT c.tenant_id
        FROM bots b
        JOIN tenants t ON t.id = b.tenant_id AND t.suspended_at IS NULL AND NOT t.is_platform
        JOIN channels c ON c.tenant_id = b.tenant_id AND c.audience = 'END_USER' AND c.bot_id = b.id
            AND c.status = 'ACTIVE' AND c.deleted_at IS NULL
        JOIN channel_installs i ON i.channel_id = c.id AND i.end_client_tenant_id = end_client_tenant
        WHERE b.id = bot
          AND NOT EXISTS (SELECT FROM tenants o WHERE o.entra_tenant_id = end_client_tenant AND o.id <> b.tenant_id)
    ), (
        SELECT t.id FROM tenants t WHERE t.id = client AND t.suspended_at IS NULL AND NOT t.is_platform
    )
$$;

-- Whether the transaction's tenant may use a bot for these people, and in this Microsoft tenant. It is the tenant's own, or,
-- for its technicians, the platform's: what comes by that names its tenant. A bot that is used is held until the commit,
-- so that whoever takes it away sees what was made of it. Either may be null, which is not asked about then.
CREATE FUNCTION neo_may_use_bot(bot uuid, for_audience text, end_client_tenant uuid)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    acting CONSTANT uuid := nullif(current_setting('neo.tenant_id', true), '')::uuid;
BEGIN
    PERFORM FROM tenants t WHERE t.entra_tenant_id = end_client_tenant AND t.id <> acting;
    IF FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM bots b JOIN tenants t ON t.id = b.tenant_id
    WHERE b.id = bot AND (t.id = acting OR (t.is_platform AND for_audience = 'MSP'))
    FOR SHARE OF b;
    RETURN FOUND OR bot IS NULL;
END
$$;

-- Gives a bot to a tenant, or confirms that it is its own.
CREATE FUNCTION neo_operator_grant_bot(bot uuid, to_tenant uuid)
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    known bots;
BEGIN
    IF NOT EXISTS (SELECT FROM tenants t WHERE t.id = to_tenant) THEN
        RETURN 'NO_TENANT';
    END IF;
    INSERT INTO bots (id, tenant_id) VALUES (bot, to_tenant) ON CONFLICT (id) DO NOTHING;
    IF FOUND THEN
        RETURN 'GRANTED';
    END IF;
    SELECT * INTO known FROM bots b WHERE b.id = bot FOR UPDATE;
    IF known.tenant_id IS DISTINCT FROM to_tenant THEN
        RETURN 'TAKEN';
    END IF;
    UPDATE bots SET is_confirmed = true WHERE id = bot;
    RETURN CASE WHEN known.is_confirmed THEN 'UNCHANGED' ELSE 'GRANTED' END;
END
$$;

-- Takes a bot away from the tenant that has it. Its white-label channels are disconnected, so that their sessions end too.
CREATE FUNCTION neo_operator_revoke_bot(bot uuid, from_tenant uuid)
RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever uses a bot has locked its channel first, and the bot then.
    PERFORM FROM channels WHERE bot_id = bot AND audience = 'END_USER' AND deleted_at IS NULL ORDER BY id FOR UPDATE;
    DELETE FROM bots b WHERE b.id = bot AND b.tenant_id = from_tenant;
    IF NOT FOUND THEN
        RETURN 'NOT_FOUND';
    END IF;
    UPDATE channels SET status = 'DISCONNECTED', version = version + 1, updated_at = now()
    WHERE bot_id = bot AND audience = 'END_USER' AND status = 'ACTIVE' AND deleted_at IS NULL;
    RETURN 'REVOKED';
END
$$;

-- The same two for the platform, whose key, by its digest, is looked at again in the transaction that it changes something in.
CREATE FUNCTION neo_grant_bot(bot uuid, to_tenant uuid, by_key bytea)
RETURNS text
LANGUAGE sql SECURITY DEFINER AS $$
    SELECT CASE WHEN neo_is_platform_key(by_key) THEN neo_operator_grant_bot(bot, to_tenant) ELSE 'REFUSED' END
$$;

CREATE FUNCTION neo_revoke_bot(bot uuid, from_tenant uuid, by_key bytea)
RETURNS text
LANGUAGE sql SECURITY DEFINER AS $$
    SELECT CASE WHEN neo_is_platform_key(by_key) THEN neo_operator_revoke_bot(bot, from_tenant) ELSE 'REFUSED' END
$$;
