"""The OpenAPI document, built without any engine."""

from typing import Any

from neo.app import routed


def document() -> dict[str, Any]:
    return routed().openapi()
