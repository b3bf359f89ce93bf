"""The OpenAPI document, made without any engine."""

from typing import Any

from neo.app import routed


def document() -> dict[str, Any]:
    return routed().openapi()
