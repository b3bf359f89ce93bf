"""What fences the writers of a turn is called a claim."""

from alembic import op

revision = "0011"
down_revision = "0010"

# Since PostgreSQL 18 NOT NULL has a name too.
RENAME_NOT_NULL = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'chat_turns_pen_not_null') THEN
        ALTER TABLE chat_turns RENAME CONSTRAINT chat_turns_pen_not_null TO chat_turns_claim_not_null;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.execute("ALTER TABLE chat_turns RENAME COLUMN pen TO claim")
    op.execute("ALTER TABLE chat_turns RENAME CONSTRAINT chat_turns_pen_check TO chat_turns_claim_check")
    op.execute(RENAME_NOT_NULL)
