"""The definitions that a schema refers to."""

from collections.abc import Mapping
from typing import Any

# A definition may be another's name, and that one the first's.
_HOPS_MAX = 16


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """The schema itself, with what it refers to in place of the reference. One that leads nowhere is left out."""
    found = dict(schema)
    for _ in range(_HOPS_MAX):
        if "$ref" not in found:
            break
        reference = found.pop("$ref")
        found = {**_at(reference, root), **found}
    found.pop("$ref", None)
    return found


def _at(reference: object, root: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return {}
    place: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        place = place.get(name) if isinstance(place, Mapping) and name else place
    return place if isinstance(place, Mapping) else {}
