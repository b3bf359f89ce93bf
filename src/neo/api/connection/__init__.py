"""A connection of ours: uvicorn's, held to what no server's public interface offers (ADR 0045).

A head is bounded in size and time. An offered upgrade is passed over, and what is no HTTP is refused, so that no byte
of one request is taken for another one. Who has closed their half is answered. HTTP/1.0 gets no chunks.
"""

from neo.api.connection.bounded import BoundedConnection, abort_connection, at_most

__all__ = ["BoundedConnection", "abort_connection", "at_most"]
