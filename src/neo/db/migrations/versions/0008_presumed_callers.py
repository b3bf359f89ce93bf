"""What is done or told for a caller who is only presumed: only where the same statement finds that their key holds."""

from alembic import op

from neo.db.policies import app_role

revision = "0008"
down_revision = "0007"

HOLDS = """
CREATE FUNCTION neo_key_holds(of_digest bytea, of_tenant uuid)
RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
        WHERE k.digest = of_digest AND k.tenant_id = of_tenant
          AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND t.suspended_at IS NULL);
END
$$
"""

# In their order: two may be for one session.
OF_LIVE_KEYS = """
CREATE FUNCTION neo_of_live_keys(messages jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(m.said ORDER BY m.place), '[]')
        FROM jsonb_array_elements(messages) WITH ORDINALITY AS m (said, place)
        WHERE m.said ->> 'key_digest' IS NULL
           OR neo_key_holds(decode(m.said ->> 'key_digest', 'hex'), (m.said ->> 'tenant_id')::uuid));
END
$$
"""


def upgrade() -> None:
    for function in (HOLDS, OF_LIVE_KEYS):
        op.execute(function)
    op.execute("REVOKE ALL ON FUNCTION neo_key_holds, neo_of_live_keys FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION neo_key_holds, neo_of_live_keys TO {app_role()}")


def downgrade() -> None:
    op.execute("DROP FUNCTION neo_of_live_keys, neo_key_holds")
