"""`neo chat`: a conversation with a server over its public API, on a terminal or through a pipe."""
