"""The connections to Valkey, and nothing of what is sent over them.

Every wait is bounded, and every failure of the driver or the network is `StreamsUnavailable`: callers decide
whether to go without. A `PubSubConnection` serves many channels. It is made again when lost, and says so,
because what was published meanwhile is gone.
"""

from neo.streams.pubsub_connection import PubSubConnection
from neo.streams.valkey import Script, StreamsUnavailable, Valkey

__all__ = ["PubSubConnection", "Script", "StreamsUnavailable", "Valkey"]
