"""PostgreSQL as an engine: where its programs and its data are, and how its server is run."""
