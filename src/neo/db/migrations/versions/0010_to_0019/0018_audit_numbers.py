"""An entry of the audit log is known by its number in its tenant's chain, which has an index of its own."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("DROP INDEX audit_log_newest_idx")
