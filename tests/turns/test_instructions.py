"""Who talks, and where, as a claim finds it; an end user's model is told nothing that is the provider's own."""

from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import text

from neo.turns.instructions import HEADING
from turns.stage import Stage

# The same person and the same ids in two tenants: each has its own names for them.
ADA = uuid4()
ROWS = [
    "UPDATE tenants SET human_friendly_client_name = :of || ' IT', timezone = 'Europe/Berlin' WHERE id = :tenant",
    "INSERT INTO technicians (tenant_id, user_id, name, role) VALUES (:tenant, :ada, 'Ada of ' || :of, 'Admin')",
    (
        "INSERT INTO end_companies (tenant_id, psa_company_id, psa_company_name) "
        "VALUES (:tenant, 'acme', 'Acme of ' || :of)"
    ),
    (
        "INSERT INTO channels (id, tenant_id, agent_id, transport, audience, internal_name, display_name) "
        "SELECT :channel, :tenant, min(id), 'TEAMS', 'MSP', 'Inside', :display FROM agents WHERE tenant_id = :tenant"
    ),
    (
        "INSERT INTO session_tokens (jti, tenant_id, session_id, minted_by, end_user, end_user_email, expires_at) "
        "VALUES (:token, :tenant, :session, :ada, 'Zoe', 'zoe@acme.example', now())"
    ),
    (
        "UPDATE chat_sessions SET audience = :audience, channel = :surface, end_company_id = :company, "
        "end_user = :end_user, channel_id = CASE WHEN :has_channel THEN CAST(:channel AS uuid) END WHERE id = :session"
    ),
]
BARE: dict[str, Any] = {
    "audience": "MSP",
    "surface": "API",
    "company": None,
    "end_user": None,
    "has_channel": False,
    "display": None,
}
ACME, BERLIN = {"name": "Acme of Contoso"}, "Europe/Berlin"


async def furnish(stage: Stage, of: str, **session: Any) -> dict[str, Any]:
    values = {**BARE, **session, "of": of, "ada": ADA, "tenant": stage.tenant_id, "session": stage.session_id}
    values |= {"channel": uuid4(), "token": uuid4()}
    async with stage.database.transaction(stage.tenant_id) as db:
        for row in ROWS:
            statement = text(row)
            await db.execute(statement, {name: values[name] for name in statement._bindparams})
    return values


async def told(stage: Stage, kind: str | None, values: dict[str, Any]) -> dict[str, Any]:
    """The data that the model gets with a turn of this author, without the time."""
    credential = {"end_user": values["token"]}.get(kind or "")
    author = None if kind == "end_user" else ADA
    task = await stage.claimed(
        author_kind=kind, author_id=author, author_tenant_id=stage.tenant_id, credential_id=credential
    )
    found: dict[str, Any] = orjson.loads(task.instructions.partition(f"{HEADING}\n")[2])
    assert found.pop("date")
    assert found.pop("hour")
    return found


@pytest.mark.parametrize(
    ("kind", "session", "expected"),
    [
        (
            "technician",
            {"surface": "DASHBOARD"},
            {
                "user": {"name": "Ada of Contoso", "role": "Admin"},
                "company": {"name": "Contoso IT"},
                "channel": {"type": "DASHBOARD"},
            },
        ),
        # The account of a key is nobody in particular, even where it has a technician's id.
        ("service_account", {}, {"channel": {"type": "API"}}),
        (None, {}, {"channel": {"type": "API"}}),
        ("end_user", {}, {"user": {"name": "Zoe", "role": "end user"}, "channel": {"type": "API"}}),
        (
            "end_user",
            {"audience": "END_USER", "company": "acme", "has_channel": True},
            {"user": {"name": "Zoe", "role": "end user"}, "company": ACME, "channel": {"type": "TEAMS"}},
        ),
        (
            "platform",
            {"audience": "END_USER", "surface": "TEAMS", "company": "acme", "end_user": "Kim", "has_channel": True,
             "display": "Help"},
            {
                "user": {"name": "Kim", "role": "end user"},
                "company": ACME,
                "channel": {"name": "Help", "type": "TEAMS"},
            },
        ),
        (
            "platform",
            {"surface": "TEAMS", "end_user": "Bo", "has_channel": True},
            {"user": {"name": "Bo"}, "channel": {"name": "Inside", "type": "TEAMS"}},
        ),
        ("service_account", {"end_user": "Kim", "company": "acme"}, {"company": ACME, "channel": {"type": "API"}}),
        ("technician", {"company": "gone"}, {"company": {"name": "Contoso IT"}, "channel": {"type": "API"},
                                             "user": {"name": "Ada of Contoso", "role": "Admin"}}),
    ],
)  # fmt: skip
async def test_a_model_is_told_who_talks_and_where(
    stage: Stage, kind: str | None, session: dict[str, Any], expected: dict[str, Any]
) -> None:
    await furnish(await stage.neighbour(), "Somebody else", **session)
    values = await furnish(stage, "Contoso", **session)

    assert await told(stage, kind, values) == {**expected, "timezone": BERLIN}


async def test_variables_of_the_agent_and_of_the_company_are_filled_in(stage: Stage) -> None:
    values = await furnish(stage, "Contoso", company="acme")
    async with stage.database.transaction(stage.tenant_id) as db:
        await db.execute(text("UPDATE agents SET instructions = 'I am {{agent.name}}, {{user.phone}}.'"))
        await db.execute(
            text(
                "UPDATE end_companies SET custom_instructions_for_user_facing_chat = 'Serve {{company.name}}.'"
            )
        )

    task = await stage.claimed(
        author_kind="end_user", author_tenant_id=stage.tenant_id, credential_id=values["token"]
    )

    written = task.instructions.partition(HEADING)[0]
    assert written.startswith("I am Agent, {{user.phone}}.\n\n")
    assert written.endswith("\nServe Acme of Contoso.\n\n")
