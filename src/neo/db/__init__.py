"""PostgreSQL: the truth.

Every transaction belongs to one tenant, set with `SET LOCAL`, and row-level security stands behind the
queries: the application's role cannot bypass it. Only `Database` opens, commits or rolls back. What every turn
waits for is a function of the database that sets its own tenant, with the caller's rights (`Database.call`). The few
look-ups that must run before a tenant is known are `SECURITY DEFINER` functions. The SQL of all of them, and of the
tables, is in `sql/`.
"""

from neo.db.base import Base
from neo.db.database import Database
from neo.db.driver import DatabaseUnavailable, RecordUnstorable, record_json, storing, until_database_answers
from neo.db.function_call import call_within
from neo.db.guard import DatabaseRoleUnsafe, SchemaOutdated, check_role, check_schema, trusted
from neo.db.page import PAGE_BYTES_MAX, fitting, read_page
from neo.db.plain_json import plain_json

__all__ = [
    "PAGE_BYTES_MAX",
    "Base",
    "Database",
    "DatabaseRoleUnsafe",
    "DatabaseUnavailable",
    "RecordUnstorable",
    "SchemaOutdated",
    "call_within",
    "check_role",
    "check_schema",
    "fitting",
    "plain_json",
    "read_page",
    "record_json",
    "storing",
    "trusted",
    "until_database_answers",
]
