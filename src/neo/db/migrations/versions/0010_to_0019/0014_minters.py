"""A session token says who minted it, by which credential, and which tier it may ask for.

Tokens that are valid now may go on to ask for either tier, as when they were minted: they live for a day at most.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

COLUMNS = """
ALTER TABLE session_tokens
    ADD COLUMN minter_kind text,
    ADD COLUMN minter_tenant_id uuid,
    ADD COLUMN minter_credential_id uuid,
    ADD COLUMN model_tier text NOT NULL DEFAULT 'SMART' CHECK (model_tier IN ('FAST', 'SMART'));
ALTER TABLE session_tokens ALTER COLUMN model_tier SET DEFAULT 'FAST';
CREATE INDEX session_tokens_tenant_id_idx ON session_tokens (tenant_id, created_at, jti);
CREATE INDEX session_tokens_session_id_idx ON session_tokens (session_id);
CREATE INDEX session_tokens_minter_credential_id_idx ON session_tokens (minter_credential_id);
CREATE POLICY owner_ends ON session_tokens FOR UPDATE TO CURRENT_USER USING (true);
UPDATE session_tokens k SET minter_kind = 'technician', minter_tenant_id = k.tenant_id
FROM technicians p WHERE p.tenant_id = k.tenant_id AND p.user_id = k.minted_by;
"""


def upgrade() -> None:
    # The library prepares what it executes, and that takes one statement at a time.
    op.execute(f"DO $$ BEGIN {COLUMNS} END $$")
