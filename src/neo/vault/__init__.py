"""Secrets that must be read back: what tenants give Neo to call others with.

A secret is sealed with a data key of its tenant, and that is wrapped by a key that is never in the database
(`KeyWrapping`). What is sealed is bound to its tenant, its row and its purpose: opened as anything else it is refused,
never a wrong secret. In memory a secret is a `Secret`, which does not show itself. Features refer to a secret by its
id and delete it with what it belongs to; a rotation knows every row, because all are in one table.
"""

from neo.vault.errors import SecretUnreadable
from neo.vault.models import DataKey, SealedSecret
from neo.vault.rotate import Batch, renew, rewrap
from neo.vault.secret import Secret
from neo.vault.store import SecretStore
from neo.vault.survey import WrappedBy, secrets_kept, wrapped_by
from neo.vault.wrapping import KeyWrapping, SecretKeyWrapping, Wrapped

__all__ = [
    "Batch",
    "DataKey",
    "KeyWrapping",
    "SealedSecret",
    "Secret",
    "SecretKeyWrapping",
    "SecretStore",
    "SecretUnreadable",
    "Wrapped",
    "WrappedBy",
    "renew",
    "rewrap",
    "secrets_kept",
    "wrapped_by",
]
