"""Where conversations are kept: one port, three homes (SQLite, PostgreSQL, memory)."""
