TITLE_CHARACTERS_MAX = 60


def title_of(message: str) -> str | None:
    """A session's title when none was given: the first line of its first message."""
    lines = message.strip().splitlines()
    if not lines:
        return None
    line = lines[0].strip()
    return line if len(line) <= TITLE_CHARACTERS_MAX else line[: TITLE_CHARACTERS_MAX - 1].rstrip() + "…"
