"""What the server says of itself: that it lives, what is down, and how to use it. Open to everybody."""

from neo.meta.health import Health
from neo.meta.routes import meta_router

__all__ = ["Health", "meta_router"]
