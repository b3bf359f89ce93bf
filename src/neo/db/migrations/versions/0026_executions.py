"""Executions: a turn may supersede another one, and all of a tenant's are listed, newest first."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute("ALTER TABLE chat_turns ADD COLUMN retry_of uuid, ADD COLUMN superseded_by uuid")
    op.execute("CREATE INDEX chat_turns_newest_idx ON chat_turns (tenant_id, created_at DESC, id DESC)")
