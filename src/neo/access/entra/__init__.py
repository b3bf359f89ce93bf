"""Microsoft Entra ID access tokens: the signing keys that Entra publishes, and the checks that a token must pass.

A token that does not pass every check identifies nobody.
"""
