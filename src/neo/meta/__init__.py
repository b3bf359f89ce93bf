"""What the server says of itself: that it lives, what is down, and how to use it. Open to everybody."""

from neo.meta.engine_watch import EngineWatch
from neo.meta.health import Engines, Health
from neo.meta.routes import meta_router

__all__ = ["EngineWatch", "Engines", "Health", "meta_router"]
