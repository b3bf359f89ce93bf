-- Uploads and artifacts. Most are of all tenants: whoever holds a signed URL names no tenant, and the sweeper has none, so these run with the
-- owner's rights.

-- A granted upload that may be sent: no message has used it, its session takes messages, and who asked for it may still
-- post there. `role` is a technician's. A grant of before authors were recorded ends by its URL alone.
CREATE FUNCTION neo_find_granted_upload(path text, talking_roles text[], minting_roles text[])
RETURNS TABLE (tenant_id uuid, session_id uuid, id uuid, author_kind text, role text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT a.tenant_id, a.session_id, a.id, a.author_kind, p.role
    FROM attachments a
    JOIN tenants t ON t.id = a.tenant_id AND t.suspended_at IS NULL
    JOIN chat_sessions s ON s.tenant_id = a.tenant_id AND s.id = a.session_id AND s.archived_at IS NULL
    LEFT JOIN technicians p ON a.author_kind = 'technician' AND p.tenant_id = a.author_tenant_id AND p.user_id = a.author_id
    WHERE a.blob_path = path AND a.message_id IS NULL
      AND CASE
          WHEN a.author_kind IS NULL THEN true
          WHEN a.author_kind = 'technician' THEN p.is_active AND p.role = ANY (talking_roles)
          WHEN a.author_kind = 'end_user' THEN EXISTS (
              SELECT FROM session_tokens k
              WHERE k.jti = a.credential_id AND neo_session_token_is_live(k, minting_roles))
          -- The platform's key is of another tenant than the one that it acts for.
          ELSE EXISTS (
              SELECT FROM api_keys k JOIN tenants h ON h.id = k.tenant_id
              WHERE k.id = a.credential_id AND neo_is_live(k.revoked_at, k.expires_at) AND h.suspended_at IS NULL) END
$$;

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

-- Uploads that no message has used, whose URLs have ended, and of which nobody has seen how much came by them.
CREATE FUNCTION neo_unseen_uploads(older_than interval, rows_max integer)
RETURNS TABLE (tenant_id uuid, id uuid, blob_path text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT a.tenant_id, a.id, a.blob_path FROM attachments a
    WHERE a.message_id IS NULL AND a.size_bytes IS NULL AND a.created_at < now() - older_than
    ORDER BY a.created_at
    LIMIT rows_max
$$;

-- How many bytes a tenant has stored, of those that are known to be there: attachments, and artifacts of its calls.
CREATE FUNCTION neo_kept_bytes(of_tenant uuid, without_attachments uuid[])
RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT sum(coalesce(a.stored_bytes, CASE WHEN a.removed_at IS NULL THEN a.size_bytes END, 0)) FROM attachments a
        WHERE a.tenant_id = of_tenant AND a.id <> ALL (without_attachments)), 0)::bigint
        + coalesce((SELECT sum(f.size_bytes) FROM artifacts f WHERE f.tenant_id = of_tenant), 0)::bigint
$$;

-- Who asked for a turn, as far as their share of the tenant's hangs on it. `role` is a technician's.
CREATE FUNCTION neo_turn_asker(of_tenant uuid, of_turn uuid)
RETURNS TABLE (kind text, role text)
LANGUAGE sql STABLE AS $$
    SELECT t.author_kind, p.role
    FROM chat_turns t
    LEFT JOIN technicians p ON t.author_kind = 'technician' AND p.tenant_id = t.author_tenant_id AND p.user_id = t.author_id
    WHERE t.tenant_id = of_tenant AND t.id = of_turn
$$;

-- Artifacts of all tenants whose time is over, for the sweeper.
CREATE FUNCTION neo_expired_artifacts(rows_max integer)
RETURNS TABLE (tenant_id uuid, id uuid, blob_path text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT f.tenant_id, f.id, f.blob_path FROM artifacts f
    WHERE f.expires_at < now()
    ORDER BY f.expires_at
    LIMIT rows_max
$$;
