"""Looks at connections off the path of turns: at once when somebody has changed one, and again when it is due."""
