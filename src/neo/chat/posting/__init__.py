"""Posting a message: checked, stored with its turn, and the turn started."""
