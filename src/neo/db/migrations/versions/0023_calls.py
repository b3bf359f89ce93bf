"""What a call was planned with, and what has become of it. Calls of before have no tool."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE tool_calls
            ADD COLUMN connection_id uuid,
            ADD COLUMN tool_name text,
            ADD COLUMN title text,
            ADD COLUMN tool_digest text,
            ADD COLUMN effect text CHECK (effect IN ('READ', 'KEYED', 'WRITE')),
            ADD COLUMN tier text CHECK (tier IN ('BASIC', 'STANDARD', 'ADVANCED')),
            ADD COLUMN timeout_seconds integer,
            ADD COLUMN keyed_by text CHECK (keyed_by IN ('HEADER', 'META', 'ARGUMENT')),
            ADD COLUMN key_argument text,
            ADD COLUMN probe_tool text,
            ADD COLUMN is_untrusted boolean NOT NULL DEFAULT false,
            ADD COLUMN key text,
            ADD COLUMN arguments_raw text,
            ADD COLUMN attempts integer NOT NULL DEFAULT 0,
            ADD COLUMN error_code text,
            ADD COLUMN output_bytes bigint,
            ADD COLUMN artifact_id uuid,
            ADD COLUMN resolution jsonb
        """
    )
