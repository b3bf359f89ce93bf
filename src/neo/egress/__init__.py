"""Calls to the outside.

Whatever fetches an address that did not come from the operator's settings takes an `Egress` client: it resolves a name
once and connects to what it checked, and its calls are bounded. The operator's own addresses, such as those of models,
are reached with the same connections, unchecked.
"""

from neo.egress.aiohttp_transport import ON_SENT, AiohttpTransport
from neo.egress.certificates import trusted_authorities
from neo.egress.client import Bounds, Egress
from neo.egress.errors import EgressRateLimited, EgressRefused, EgressTimeout, EgressTooLarge
from neo.egress.listed import Listed

__all__ = [
    "ON_SENT",
    "AiohttpTransport",
    "Bounds",
    "Egress",
    "EgressRateLimited",
    "EgressRefused",
    "EgressTimeout",
    "EgressTooLarge",
    "Listed",
    "trusted_authorities",
]
