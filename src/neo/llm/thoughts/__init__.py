"""Thoughts that a server leaves in the text: `tags.py` tells them from the answer by their tags, and `first.py` does so
in the deltas of the dialects that have a place of their own for thoughts.
"""
