r"""Variables in instructions: `{{user.name}}`. A literal `{{` is written `\{{`."""

import re
from collections.abc import Mapping
from types import MappingProxyType

# Each variable, with what stands for a value that is not known.
VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "user.name": "the user",
        "user.role": "user",
        "company.name": "the user's company",
        "channel.name": "this chat",
        "channel.type": "chat",
        "agent.name": "the assistant",
        "date": "today",
        "time": "now",
        "timezone": "UTC",
    }
)
# So much of an unknown one is repeated.
NAME_CHARACTERS_MAX = 50
_VARIABLE = re.compile(r"\\\{\{|\{\{([^{}]*)\}\}")


def problem_with_variables(text: str) -> str | None:
    """Why the text is not to be saved: it has a variable that nobody knows."""
    for found in _VARIABLE.finditer(text):
        name = found[1]
        if name is not None and name.strip() not in VARIABLES:
            known = ", ".join(VARIABLES)
            named = name.strip()[:NAME_CHARACTERS_MAX]
            return f"has the unknown variable {named!r}; there are {known}; a literal {{{{ is written \\{{{{"
    return None


def filled(text: str, values: Mapping[str, str | None]) -> str:
    """The text with its variables filled in, once: what a value has in braces stays. So does a variable that nobody
    knows: texts from before there were variables have some.
    """
    return _VARIABLE.sub(lambda found: _value(found, values), text)


def _value(found: re.Match[str], values: Mapping[str, str | None]) -> str:
    if found[1] is None:
        return "{{"
    name = found[1].strip()
    return values.get(name) or VARIABLES.get(name, found[0])
