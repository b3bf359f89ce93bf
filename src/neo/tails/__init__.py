"""One reader's stream of a session: open, follow, resume, and what is replayed from PostgreSQL.

A tail reads the session's event stream from its cursor and then passes on what is published. What the stream
cannot give is replayed from PostgreSQL. It holds no database connection, and what is buffered for one reader has
a bound.
"""

from neo.tails.errors import TooManyTails
from neo.tails.open import Tails
from neo.tails.open_tails import OpenTails, TailBounds
from neo.tails.tail import TailPace

__all__ = ["OpenTails", "TailBounds", "TailPace", "Tails", "TooManyTails"]
