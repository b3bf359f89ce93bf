"""Whom a session is for, in the words of who opened it: kept and shown, never trusted."""

from neo.chat.errors import EndUserInvalid

# A name or an address of the directory's; an e-mail address has at most 320 characters.
CHARACTERS_MAX = 320


def check_end_user(*names: str | None) -> None:
    for name in names:
        if name is not None and (len(name) > CHARACTERS_MAX or not name.isprintable()):
            raise EndUserInvalid(
                f"An end user's name or address has at most {CHARACTERS_MAX} characters, all of them printable."
            )
