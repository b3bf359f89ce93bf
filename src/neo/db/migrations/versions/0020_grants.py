"""A grant to upload says who asked for it, so that its URL ends with them. Grants of before end within minutes."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE attachments ADD COLUMN author_kind text, ADD COLUMN author_id uuid, "
        "ADD COLUMN author_tenant_id uuid, ADD COLUMN credential_id uuid"
    )
