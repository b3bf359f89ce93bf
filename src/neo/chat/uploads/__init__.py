"""Uploads: a grant for each image that a message may name."""
