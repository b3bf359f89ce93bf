"""Small tools that know nothing of Neo's business."""

from neo.kit.addresses import is_loopback, is_private_line
from neo.kit.background import kept_going

__all__ = ["is_loopback", "is_private_line", "kept_going"]
