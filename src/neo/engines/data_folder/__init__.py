"""The data folder: its layout, its lock, the record of what runs on it, and its private files."""
