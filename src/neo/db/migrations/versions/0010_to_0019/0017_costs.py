"""What a turn cost by the operator's prices is kept with it, for prices change. Turns of before have no cost."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("ALTER TABLE chat_turns ADD COLUMN cost numeric")
    op.execute("ALTER TABLE turn_segments ADD COLUMN cost numeric")
