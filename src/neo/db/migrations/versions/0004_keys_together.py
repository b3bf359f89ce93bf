"""The keys of many requests looked up with one query."""

from neo.db.policies import app_role, run_script

revision = "0004"
down_revision = "0003"

TOGETHER = """
DROP FUNCTION neo_find_api_key;

CREATE FUNCTION neo_find_api_keys(digests bytea[])
RETURNS TABLE (digest bytea, id uuid, tenant_id uuid, account_id uuid, is_platform boolean, is_live boolean,
               is_suspended boolean, last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.digest, k.id, k.tenant_id, k.account_id, t.is_platform,
           k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()),
           t.suspended_at IS NOT NULL, k.last_used_at
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.digest = ANY (digests)
$$;

REVOKE ALL ON FUNCTION neo_find_api_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION neo_find_api_keys TO {role};
"""

ALONE = """
DROP FUNCTION neo_find_api_keys;

CREATE FUNCTION neo_find_api_key(digests bytea[])
RETURNS TABLE (id uuid, tenant_id uuid, account_id uuid, is_platform boolean, is_live boolean, is_suspended boolean,
               last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.id, k.tenant_id, k.account_id, t.is_platform,
           k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()),
           t.suspended_at IS NOT NULL, k.last_used_at
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.digest = ANY (digests)
$$;

REVOKE ALL ON FUNCTION neo_find_api_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION neo_find_api_key TO {role};
"""


def upgrade() -> None:
    run_script(TOGETHER.format(role=app_role()))


def downgrade() -> None:
    run_script(ALONE.format(role=app_role()))
