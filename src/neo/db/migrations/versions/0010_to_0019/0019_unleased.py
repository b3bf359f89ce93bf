"""Claimable turns are found tenant by tenant, so that how many one tenant has waiting costs the others nothing."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX chat_turns_unleased_idx ON chat_turns (tenant_id, claimable_at, id) "
        "WHERE lease_id IS NULL AND status IN ('QUEUED', 'RUNNING')"
    )
