"""The engines as child processes: PostgreSQL, Valkey, Temporal and a model.

Neo runs them itself when no address is configured, from binaries that came with its own packages.
Each child runs in its own session, is ended with its parent, stops in order and is started again when it
ends. Everything they keep lies in one data folder, which one process at a time locks; what a killed parent
left running is ended before anything new is started there.
"""
