"""One streamed call of a model over HTTP, in whatever dialect: its connection, its body, its events, its failures."""
