import difflib
from collections.abc import Iterable


def near(given: object, known: Iterable[str]) -> str:
    """A hint at the known word that was meant; empty if none is near."""
    found = difflib.get_close_matches(str(given).strip(), list(known), n=1)
    return f" Did you mean `{found[0]}`?" if found else ""
