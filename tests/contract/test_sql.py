"""The database's functions are written once, in SQL, and called by their names."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

import neo
from neo.db import sql
from support.rows import Rows

SOURCE = Path(neo.__file__).parent
FOLDER = SOURCE / "db" / "sql"
CREATED = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION (\w+)", re.MULTILINE)
NAMED = re.compile(r"neo(_[a-z]+)+")
IN_DATABASE = text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
# The roles of the embedded PostgreSQL.
NO_FUNCTIONS = {"neo_app", "neo_owner"}
STATEMENT = re.compile(
    r"\s*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|CREATE|ALTER|DROP|GRANT|REVOKE|BEGIN|SET)\b"
)
# How a function is called, how a tenant's transaction begins, and the roles and the database of a fresh cluster: there
# the server takes no parameters.
PUT_TOGETHER = {"db/function_call.py", "db/database.py", "engines/postgres/part.py"}


def trees() -> Iterator[tuple[str, ast.AST]]:
    for file in sorted(SOURCE.rglob("*.py")):
        yield file.relative_to(SOURCE).as_posix(), ast.parse(file.read_text())


def created() -> list[str]:
    return CREATED.findall("\n".join(sql.functions()))


async def test_the_database_has_the_functions_of_the_files_and_each_is_written_once(rows: Rows) -> None:
    async with rows.owner.without_tenant() as owner:
        found = Counter((await owner.scalars(IN_DATABASE)).all())

    assert found == Counter(created())
    assert set(found.values()) == {1}


def test_no_statement_of_the_files_has_a_hole() -> None:
    # PostgreSQL's own format() fills in identifiers, and quotes them.
    holes = [re.findall(r"\{\w+\}|%\(\w+\)s", file.read_text()) for file in FOLDER.rglob("*.sql")]

    assert [hole for found in holes for hole in found] == []


def test_functions_are_created_nowhere_else() -> None:
    others = [
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if re.search(r"CREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION", file.read_text())
    ]

    assert others == []


def test_what_is_called_exists_and_what_exists_is_called() -> None:
    called = {name for _, tree in trees() for name in names_in(tree) if NAMED.fullmatch(name)} - NO_FUNCTIONS
    by_others = set(re.findall(r"(?<!CREATE FUNCTION )\b(neo_[a-z_]+)\(", "\n".join(sql.functions())))

    assert called - set(created()) == set()
    assert set(created()) - called - by_others == set()


def names_in(tree: ast.AST) -> Iterator[str]:
    """Strings, and what SQLAlchemy's `func` is asked for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "func":
            yield node.attr


def test_no_statement_is_put_together_from_strings() -> None:
    assembled = [
        f"{name}:{line}" for name, tree in trees() if name not in PUT_TOGETHER for line in assembled_in(tree)
    ]

    assert assembled == []


def assembled_in(tree: ast.AST) -> Iterator[int]:
    """The lines where an f-string, `+`, `%` or `.format` makes a statement, from its text or from a constant's."""
    constants = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and is_statement(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=[first, *_]) | ast.BinOp(left=first, op=ast.Add() | ast.Mod()):
                pass
            case ast.Call(func=ast.Attribute(attr="format", value=first)):
                pass
            case _:
                continue
        if is_statement(first) or (isinstance(first, ast.Name) and first.id in constants):
            yield node.lineno


def is_statement(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(STATEMENT.match(node.value))
    )


def test_a_statement_that_is_put_together_is_found() -> None:
    """Without this the rule above could be passing because it sees nothing."""
    ways = (
        'f"SELECT * FROM {table}"',
        '"DELETE FROM " + table',
        '"UPDATE %s SET a = 1" % table',
        '"SELECT {column}".format(column=column)',
    )

    assert [list(assembled_in(ast.parse(way))) for way in ways] == [[1]] * 4
    assert list(assembled_in(ast.parse('A = "SELECT {a}"\nb = A.format(a=1)'))) == [2]
    assert list(assembled_in(ast.parse('text("SELECT 1 FROM t WHERE a = :a")'))) == []
