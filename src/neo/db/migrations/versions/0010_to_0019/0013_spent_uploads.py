"""The uploads of turns that ended without any pixels are found by the sweeper too."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("DROP INDEX attachments_spent_idx")
    op.execute("CREATE INDEX attachments_spent_idx ON attachments (used_at) WHERE removed_at IS NULL")
