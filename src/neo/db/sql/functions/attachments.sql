-- Uploads of all tenants whose bytes are to be removed. The sweeper has no tenant, so these run with the owner's rights.

-- Uploads that no message has used.
CREATE FUNCTION neo_take_orphan_uploads(older_than interval, rows_max integer)
RETURNS TABLE (tenant_id uuid, id uuid, blob_path text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT a.tenant_id, a.id, a.blob_path FROM attachments a
    WHERE a.message_id IS NULL AND a.created_at < now() - older_than
    ORDER BY a.created_at
    LIMIT rows_max
$$;

-- Uploads of messages whose pixels are stored under another path by now.
CREATE FUNCTION neo_spent_uploads(older_than interval, rows_max integer)
RETURNS TABLE (tenant_id uuid, id uuid, blob_path text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT a.tenant_id, a.id, a.blob_path FROM attachments a
    WHERE a.stored_path IS NOT NULL AND a.removed_at IS NULL AND a.used_at < now() - older_than
    ORDER BY a.used_at
    LIMIT rows_max
$$;
