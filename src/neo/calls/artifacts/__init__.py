"""Bytes that a call brought, kept whole: a row that says what they are, and an object in the store of blobs.

The row is written before the bytes, so that no object is without one, and goes after them.
"""
