"""The house speaks the field's words (docs/decisions/0033): these were coined here, and the field has better ones."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Coined word: the field's.
COINED = {
    r"pens?": "claim",
    r"overtaken?": "fenced",
    r"in (one )?hand": "leased, or running",
    r"full(er)? house": "under load",
    r"nudg(e|es|ed)": "wake-up",
    r"glances?": "snapshot",
    r"presumed?|presumes": "verified at the door",
    r"lingering": "subscribed",
    r"hush(ed)?": "paused",
    r"stirred": "woken",
    r"teller": "renderer",
    r"told again": "replayed",
    r"album": "image loader",
    r"patien(ce|tly)": "time-out, or retry",
    r"(a|the) beat|beats": "heartbeat",
    r"hang(s)? up|hung up": "disconnect",
    r"lots": "batch",
    r"rehearsal": "warm-up",
}
PATTERN = re.compile(r"\b(" + "|".join(f"(?:{word})" for word in COINED) + r")\b", re.IGNORECASE)
# It renames the column that had one.
EXCEPTED = "src/neo/db/migrations/versions/0010_to_0019/0011_claims.py"


def texts() -> list[Path]:
    found = [
        *ROOT.glob("[!C]*.md"),
        ROOT / "CONTRIBUTING.md",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("bench/*.md"),
    ]
    for kind in ("*.py", "*.sql", "*.lua"):
        found += (ROOT / "src/neo").rglob(kind)
    return sorted(path for path in found if str(path.relative_to(ROOT)) != EXCEPTED)


def coined_in(path: Path) -> list[str]:
    split = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", path.read_text())
    return sorted({match[0].lower() for match in PATTERN.finditer(split)})


def test_no_coined_word_is_used() -> None:
    found = {str(path.relative_to(ROOT)): coined for path in texts() if (coined := coined_in(path))}

    assert found == {}
