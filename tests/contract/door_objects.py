"""One of each thing that a path can name, made through the API by the tenant that owns it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from neo.connections import ConnectionStore, ToolStore
from neo.vault import Secret, SecretStore
from support.client import SESSIONS, Client
from support.people import People
from support.rows import Tenant


class Ids(dict[str, str]):
    """An id for whatever a path asks for: what is not among them is nobody's."""

    def __missing__(self, name: str) -> str:
        return {"agent_id": "999999999", "version": "1"}.get(name) or str(uuid4())


@dataclass(frozen=True)
class Household:
    """A tenant with its Admin, its account, and its objects."""

    tenant: Tenant
    admin: Client
    account: Client
    ids: Ids

    async def seen(self) -> dict[str, Any]:
        """All of the objects as their owner reads them."""
        shown = {}
        for path in (
            f"{SESSIONS}/{{session_id}}",
            f"{SESSIONS}/{{session_id}}/messages",
            f"{SESSIONS}/{{session_id}}/turns/{{turn_id}}",
            "/public-api/agents/{agent_id}",
            "/public-api/channels/{channel_id}",
            "/public-api/channels/{channel_id}/installs",
            "/public-api/end-companies/{psa_company_id}",
            "/public-api/technicians/{user_id}",
            "/public-api/settings",
            "/public-api/connections/{connection_id}",
            "/public-api/connections/{connection_id}/tools",
            "/public-api/executions/{execution_id}",
            "/public-api/executions/{execution_id}/steps",
        ):
            answer = await self.admin.http.get(path.format_map(self.ids))
            assert answer.status_code == 200, (path, answer.text)
            shown[path] = answer.json()["data"]
        keys = (await self.admin.http.get("/public-api/api-keys")).json()["data"]
        shown["keys"] = [(key["id"], key["revoked_at"], key["rotated_at"]) for key in keys]
        end_user = await self.admin.http.get(
            f"{SESSIONS}/{self.ids['session_id']}", headers={"authorization": f"Bearer {self.ids['token']}"}
        )
        stops = (await self.admin.http.get("/public-api/tool-stops")).json()["data"]
        shown["stops"] = {stop["id"] for stop in stops}
        shown["the token opens"] = end_user.status_code
        return shown


async def make_household(people: People, tenant: Tenant) -> Household:
    _, admin = await people.join(tenant.id, "Admin")
    account = people.client(tenant.api_key)
    session = await account.open()
    accepted = await account.say(session, "A secret of the first tenant.")
    await account.ended(session, accepted["chat_turn_id"])
    agent = await _made(
        admin,
        "agents",
        name="Helper",
        autonomy_type="CONVERSATIONAL",
        audience="END_USER",
        agent_settings={"custom_instructions": "A secret of the first tenant."},
    )
    bot_id = str(await people.rows.bot(tenant.id))
    channel = await _made(
        admin,
        "channels",
        internal_name="Portal",
        audience="END_USER",
        agent_id=agent["id"],
        bot_id=bot_id,
    )
    ids = Ids(
        session_id=session,
        turn_id=accepted["chat_turn_id"],
        execution_id=accepted["chat_turn_id"],
        agent_id=str(agent["id"]),
        version=str(agent["version"]),
        channel_id=channel["id"],
        client_id=str(tenant.id),
        bot_id=bot_id,
        end_client_tenant_id=str(uuid4()),
        psa_company_id=f"company-{uuid4()}",
        user_id=str(uuid4()),
        key_id=(await _made(admin, "api-keys", name="A key"))["id"],
    )
    installed = await admin.http.put(
        "/public-api/channels/{channel_id}/installs/{end_client_tenant_id}".format_map(ids)
    )
    assert installed.status_code == 200, installed.text
    await _made(admin, "end-companies", psa_company_id=ids["psa_company_id"], psa_company_name="A company")
    await _made(admin, "technicians", user_id=ids["user_id"], role="User")
    async with people.rows.database.transaction(tenant.id) as db:
        store = SecretStore(db, tenant.id, people.rows.wrapping)
        await store.add("test.bearer", Secret("A secret of the first tenant."))
        connection: dict[str, Any] = {
            "id": uuid4(),
            "name": "desk",
            "kind": "MCP_HTTP",
            "url": "https://mcp.example/",
        }
        await ConnectionStore(db, tenant.id).create({**connection, "audience": "MSP"})
        told: dict[str, Any] = {"title": None, "description": "A secret.", "input_schema": {}, "hints": {}}
        listed: dict[str, Any] = {"name": "read", "listed": told, "listed_digest": "1", "problem": None}
        await ToolStore(db, tenant.id).note_listed(connection["id"], [listed])
    minted = await _made(account, "sessions", session_id=session)
    connected = {"connection_id": str(connection["id"]), "name": "read"}
    stop = {"scope": "COMPANY", "id": ids["psa_company_id"]}
    stopped = await admin.http.put("/public-api/tool-stops", json=stop)
    connected["stop_id"] = stopped.json()["data"]["id"]
    return Household(tenant, admin, account, Ids(ids, jti=minted["jti"], token=minted["token"], **connected))


async def _made(caller: Client, where: str, **body: Any) -> dict[str, Any]:
    answer = await caller.http.post(f"/public-api/{where}", json=body)
    assert answer.status_code == 200, (where, answer.text)
    return dict(answer.json()["data"])


async def revoked_key(household: Household) -> str:
    """A key that was good a moment ago."""
    made = await _made(household.admin, "api-keys", name="Revoked")
    ended = await household.admin.http.delete(f"/public-api/api-keys/{UUID(made['id'])}")
    assert ended.status_code == 200, ended.text
    return str(made["key"])
