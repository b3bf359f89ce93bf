"""A bot belongs to the tenant that it was granted to, and not to whoever wrote its id down first.

What runs goes on where it is clear whose it is: one tenant alone has channels of the bot, and none of them is
installed in another tenant's own Microsoft tenant. Any other bot becomes the platform's, if there is one: its MSP
channels go on, for they get what names their tenant only, and its white-label channels are disconnected. The operator
confirms all of it.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

TABLE = """
CREATE TABLE bots (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    is_confirmed boolean NOT NULL DEFAULT true,
    granted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bots_tenant_idx ON bots (tenant_id);
ALTER TABLE bots ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON bots
    USING (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('neo.tenant_id', true), '')::uuid);
CREATE POLICY owner_writes ON bots TO CURRENT_USER USING (true);
CREATE POLICY owner_writes ON channels FOR UPDATE TO CURRENT_USER USING (true);
DROP INDEX channels_white_label_bot_idx;
DROP INDEX channels_msp_bot_idx;
CREATE UNIQUE INDEX channels_bot_idx ON channels (tenant_id, audience, bot_id) WHERE deleted_at IS NULL;
"""

# Where there are several platforms, or none, it is not known who could have shared a bot: it is nobody's.
OWNERS = """
INSERT INTO bots (id, tenant_id, is_confirmed)
SELECT named.bot_id, coalesce(named.only_tenant, platform.id), false
FROM (
    SELECT c.bot_id,
           CASE WHEN count(DISTINCT c.tenant_id) = 1 AND NOT bool_or(EXISTS (
               SELECT FROM channel_installs i JOIN tenants t ON t.entra_tenant_id = i.end_client_tenant_id
               WHERE i.channel_id = c.id AND t.id <> c.tenant_id
           )) THEN min(c.tenant_id::text)::uuid END AS only_tenant
    FROM channels c WHERE c.bot_id IS NOT NULL AND c.deleted_at IS NULL
    GROUP BY c.bot_id
) named
LEFT JOIN (
    SELECT min(id::text)::uuid AS id FROM tenants WHERE is_platform HAVING count(*) = 1
) platform ON true
WHERE coalesce(named.only_tenant, platform.id) IS NOT NULL;
UPDATE channels c SET status = 'DISCONNECTED', version = version + 1, updated_at = now()
WHERE c.audience = 'END_USER' AND c.status = 'ACTIVE' AND c.deleted_at IS NULL AND c.bot_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM bots b WHERE b.id = c.bot_id AND b.tenant_id = c.tenant_id);
"""


def upgrade() -> None:
    for script in (TABLE, OWNERS):
        # The library prepares what it executes, and that takes one statement at a time.
        op.execute(f"DO $$ BEGIN {script} END $$")
