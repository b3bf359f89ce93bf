"""What tests share: a real server, a client that speaks only the public API, rows that routes cannot make yet."""
