"""Variables in instructions, from the API that saves them to the model that reads what they are."""

from typing import Any

import pytest
from sqlalchemy import text

from support.client import Client, text_of
from support.people import People
from support.rows import Rows, Tenant

AGENTS = "/public-api/agents"
COMPANIES = "/public-api/end-companies"
CHAT = "custom_instructions_for_user_facing_chat"
UNKNOWN = "Call {{user.phone}}."


def agent(instructions: str) -> dict[str, Any]:
    return {
        "autonomy_type": "CONVERSATIONAL",
        "name": "Concierge",
        "model": "scripted:instructions",
        "agent_settings": {"custom_instructions": instructions},
    }


async def said(client: Client, agent_id: int) -> str:
    """What a model that repeats its instructions says."""
    session = await client.open(agent_id=agent_id)
    accepted = await client.say(session, "Hello")
    return text_of(await client.events(session, accepted["since_cursor"]))


async def test_a_model_is_told_who_talks_to_it(own: Client, people: People, tenant: Tenant) -> None:
    _, ada = await people.join(tenant.id, "User")
    await own.http.put("/public-api/settings", json={"timezone": "Asia/Tokyo"})
    created = await own.http.post(
        AGENTS, json=agent(r"Hi {{user.name}} ({{user.role}}): {{agent.name}} \{{x}}.")
    )

    told = await said(ada, created.json()["data"]["id"])

    assert told.startswith("Hi A User (User): Concierge {{x}}.\n\n")
    assert '"user":{"name":"A User","role":"User"}' in told
    assert '"timezone":"Asia/Tokyo"' in told


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", AGENTS, agent(UNKNOWN), "agent_settings.custom_instructions"),
        ("PATCH", f"{AGENTS}/{{agent}}", {"agent_settings": {"custom_instructions": UNKNOWN}},
         "agent_settings.custom_instructions"),
        ("POST", COMPANIES, {"psa_company_id": "b", "psa_company_name": "B", CHAT: UNKNOWN}, CHAT),
        ("PATCH", f"{COMPANIES}/acme", {CHAT: UNKNOWN}, CHAT),
    ],
)  # fmt: skip
async def test_an_unknown_variable_is_refused(
    own: Client, method: str, path: str, body: Any, field: str
) -> None:
    await own.http.post(COMPANIES, json={"psa_company_id": "acme", "psa_company_name": "Acme"})
    made = (await own.http.post(AGENTS, json=agent("Be kind."))).json()["data"]

    answer = await own.http.request(method, path.format(agent=made["id"]), json=body)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], list(error["details"]["fields"])) == (
        422,
        "validation_error",
        [field],
    )
    assert "'user.phone'" in error["details"]["fields"][field]
    assert "user.name" in error["details"]["fields"][field]


async def test_what_was_stored_before_is_shown_and_goes_on(own: Client, rows: Rows, tenant: Tenant) -> None:
    made = (await own.http.post(AGENTS, json=agent("Be kind."))).json()["data"]
    async with rows.database.transaction(tenant.id) as db:
        await db.execute(
            text("UPDATE agents SET instructions = :it WHERE id = :id"), {"it": UNKNOWN, "id": made["id"]}
        )

    renamed = await own.http.patch(f"{AGENTS}/{made['id']}", json={"name": "Porter"})

    assert renamed.json()["data"]["agent_settings"] == {"custom_instructions": UNKNOWN}
    assert (await said(own, made["id"])).startswith(f"{UNKNOWN}\n\n")
