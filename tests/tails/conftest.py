from events.conftest import closing, engine, session, valkey, valkey_server

__all__ = ["closing", "engine", "session", "valkey", "valkey_server"]
