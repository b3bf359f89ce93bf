"""`neo dev-issuer`: signs tokens as Entra does, for development and tests."""
