"""Which texts can be a company's id: it is used as a path segment and in a cursor."""

COMPANY_ID_CHARACTERS_MAX = 200
# Clients and proxies remove these segments from a path.
PATH_STEPS = (".", "..")


def is_company_id(text: object) -> bool:
    return (
        isinstance(text, str)
        and 0 < len(text) <= COMPANY_ID_CHARACTERS_MAX
        and text.isprintable()
        and text == text.strip()
        and "/" not in text
        and text not in PATH_STEPS
    )
