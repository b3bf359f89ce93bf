"""Stops: what a tenant's agents may not call, from the moment that a stop is stored.

A stop holds for the tenant, a company, an agent, a connection or one tool, and for all calls or for those that may
write. Whoever sets one and whoever dispatches a call take the same lock of the tenant, so that no call is dispatched
after the stop's commit; those that were dispatched before are named in the answer. What a call is asked at its dispatch
is in `neo_call_refusal`.
"""

from neo.stops.models import StopScope, ToolStop
from neo.stops.rules import DispatchRules
from neo.stops.store import StopStore

__all__ = ["DispatchRules", "StopScope", "StopStore", "ToolStop"]
