"""A secret that stands in a file of its own, as orchestrators mount them."""

from pathlib import Path

# The longest secret that there is, a service account's key as JSON, has a twentieth of this.
CHARACTERS_MAX = 65_536


class SecretUnreadableError(Exception):
    """Says why a file gives no secret, with its name and never with what is in it."""


def read_secret(path: Path) -> str:
    """What the file holds, without the newline that editors and `echo` put at its end."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read(CHARACTERS_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SecretUnreadableError(f"{path} cannot be read: {reason}") from error
    if len(text) > CHARACTERS_MAX:
        raise SecretUnreadableError(
            f"{path} has more than {CHARACTERS_MAX} characters, so it is another file"
        )
    return text.rstrip("\r\n")
