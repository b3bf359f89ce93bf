"""What a provider gave with its calls is kept with their segment, for it may demand that back. Older ones have none."""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.execute("ALTER TABLE turn_segments ADD COLUMN carried jsonb")
