"""ARCHITECTURE.md leads a stranger to the code: what it names is there, and it stays short enough to be read."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
GLOSSARY_WORDS_MAX = 60
LIFE_LINES_MAX = 40
PATH = re.compile(r"`([a-z_]+/[a-z_/]*(?:\.py)?)`")
FUNCTION = re.compile(r"`(neo_[a-z_]+)`")
PICTURE = re.compile(r"```mermaid.*?```", re.DOTALL)


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_files_and_functions_that_it_names_are_there() -> None:
    paths, functions = PATH.findall(PAGE), FUNCTION.findall(PAGE)
    sql = "".join(one.read_text() for one in (ROOT / "src/neo/db/sql/functions").glob("*.sql"))

    assert [
        path for path in paths if not any((root / path).exists() for root in (ROOT / "src/neo", ROOT))
    ] == []
    assert [name for name in functions if f"FUNCTION {name}(" not in sql] == []
    assert paths
    assert functions


def test_a_turns_life_is_told_in_forty_lines_and_the_glossary_has_sixty_words() -> None:
    words = re.findall(r"\*\*(.+?)\*\*", section("Glossary"), re.DOTALL)

    assert 0 < len(PICTURE.sub("", section("The life of a turn")).strip().splitlines()) <= LIFE_LINES_MAX
    assert 0 < len(words) <= GLOSSARY_WORDS_MAX
