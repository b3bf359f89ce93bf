"""Which agents a caller is shown."""

from sqlalchemy import ColumnElement, any_, literal, true

from neo.access import Principal
from neo.agents.models import Access, Agent


def visible_to(caller: Principal) -> ColumnElement[bool]:
    """API keys and Admins see every agent; others those that they may talk to, and none of Neo's own."""
    if caller.sees_whole_tenant:
        return true()
    is_named = (Agent.access == Access.SPECIFIC_USERS) & (
        literal(caller.account_id) == any_(Agent.access_user_ids)
    )
    return Agent.managed_key.is_(None) & ((Agent.access == Access.ALL_USERS) | is_named)
