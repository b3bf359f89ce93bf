"""What migrations share: statements one at a time, and row-level security for a table."""

from alembic import context, op


def run_script(script: str) -> None:
    # The driver prepares each statement, so it takes one at a time.
    for statement in script.split(";\n"):
        if statement.strip():
            op.execute(statement)


def protect(table: str, column: str = "tenant_id") -> None:
    # After SET LOCAL ends the setting is the empty string, so nullif keeps the cast from failing.
    mine = f"{column} = nullif(current_setting('neo.tenant_id', true), '')::uuid"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({mine}) WITH CHECK ({mine})")


def app_role() -> str:
    """The application's role, as it is written in a statement."""
    return '"' + str(context.config.attributes["app_role"]).replace('"', '""') + '"'
