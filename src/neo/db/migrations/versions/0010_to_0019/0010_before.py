"""Where databases of before the squashed schema stand: the oldest version that is upgraded.

It makes nothing: a fresh database is made by `db/sql/schema.sql`, and begins at the newest version.
"""

revision = "0010"
down_revision = None


def upgrade() -> None:
    """Nothing stands between this version and itself."""
