"""One pub/sub connection for many channels, made again whenever it is lost."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from itertools import batched, count  # type: ignore[attr-defined]
