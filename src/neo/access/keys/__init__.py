"""API keys: their form, how they are stored, listed, rotated and revoked.

Only an HMAC of a key is stored; the plain key is shown once, in the answer that creates it.
"""
