"""Session tokens: minted by a server for its end user's client, and revoked."""
