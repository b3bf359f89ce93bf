import re
from uuid import UUID

GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def find_guid(text: object) -> UUID | None:
    """A GUID in its common form, of any letter case; None for anything else."""
    return UUID(text) if isinstance(text, str) and GUID.fullmatch(text) else None
