"""What a claimed turn's model is told before the conversation, from the row that the claim returned."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from neo.access import CallerKind
from neo.llm import Surroundings

COMPANY_HEADING = "Instructions for this user's company:"
END_USER = "END_USER"


def instructions_of(own: str, of_company: str | None, context: Mapping[str, Any]) -> str:
    """The agent's own, then the company's, then where the conversation takes place. Written at the claim, so that the
    segments of one drive are told the same.
    """
    company = f"{COMPANY_HEADING}\n{of_company}" if of_company else ""
    written = "\n\n".join(part for part in (own, company) if part)
    return surroundings_of(context, datetime.now(UTC)).told(written)


def surroundings_of(context: Mapping[str, Any], moment: datetime) -> Surroundings:
    """An end user is not told what is the provider's own: neither its name, nor what it calls a channel inside."""
    is_end_users = context["audience"] == END_USER or context["author_kind"] == CallerKind.END_USER
    technician, channel = context["technician"] or {}, context["channel"] or {}
    tenant = context["tenant"] or {}
    return Surroundings(
        user_name=technician.get("name") or context["end_user"] or _relayed_for(context),
        user_role="end user" if is_end_users else technician.get("role"),
        company_name=context["company_name"]
        or (tenant.get("name") if technician and not is_end_users else None),
        channel_name=channel.get("display_name") or (None if is_end_users else channel.get("internal_name")),
        channel_type=channel.get("transport") or context["surface"],
        agent_name=context["agent_name"],
        timezone=tenant.get("timezone"),
        moment=moment,
    )


def _relayed_for(context: Mapping[str, Any]) -> str | None:
    """Whom the platform speaks for; a service account speaks for nobody in particular."""
    return context["relayed_for"] if context["author_kind"] == CallerKind.PLATFORM else None
