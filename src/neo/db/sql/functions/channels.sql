-- Whose active white-label channel of this bot is installed in an end client's Microsoft tenant. A relayed message is
-- routed by it before a tenant is known, so it runs with the owner's rights.
CREATE FUNCTION neo_find_install(bot uuid, end_client_tenant uuid)
RETURNS TABLE (tenant_id uuid, channel_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT c.tenant_id, c.id
    FROM channels c
    JOIN channel_installs i ON i.channel_id = c.id AND i.end_client_tenant_id = end_client_tenant
    JOIN tenants t ON t.id = c.tenant_id
    WHERE c.bot_id = bot AND c.audience = 'END_USER' AND c.status = 'ACTIVE' AND c.deleted_at IS NULL
      AND t.suspended_at IS NULL
$$;
