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

-- Uploads of messages that nobody reads any more: their pixels are stored under another path, or their turn has ended
-- without any.
CREATE FUNCTION neo_spent_uploads(older_than interval, rows_max integer)
RETURNS TABLE (tenant_id uuid, id uuid, blob_path text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT a.tenant_id, a.id, a.blob_path FROM attachments a
    WHERE a.removed_at IS NULL AND a.used_at < now() - older_than
      AND (a.stored_path IS NOT NULL OR NOT EXISTS (
          SELECT FROM chat_messages m JOIN chat_turns t ON t.tenant_id = m.tenant_id AND t.id = m.turn_id
          WHERE m.tenant_id = a.tenant_id AND m.id = a.message_id
            AND t.status IN ('QUEUED', 'RUNNING', 'WAITING')))
    ORDER BY a.used_at
    LIMIT rows_max
$$;
