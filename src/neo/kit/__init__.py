"""Small tools that know nothing of Neo's business."""

from neo.kit.background import kept_going

__all__ = ["kept_going"]
