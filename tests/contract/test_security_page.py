"""The page that says what is defended names tests that there are."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "security.md"
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", PAGE.read_text())))


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_what_is_defended_is_tried(file: str, test: str) -> None:
    tree = ast.parse((TESTS / file).read_text())

    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert not test or test in tests
    assert any(name.startswith("test_") for name in tests)
