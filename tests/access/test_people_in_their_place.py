"""Which sessions a dashboard user sees and changes, and which agents are open to them."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from neo.access import EntraPerson, Role
from neo.agents import Access, Audience
from neo.people import Enrolment
from neo.people.errors import RoleNotAssigned
from support.client import SESSIONS, Client
from support.people import People
from support.rows import Rows, Tenant


@pytest.fixture(scope="module")
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("Everyone")


async def test_a_first_sign_in_enrols_with_the_app_role_and_the_roster_decides_from_then_on(
    people: People, tenant: Tenant
) -> None:
    plain, chief = uuid4(), uuid4()
    user = people.client(await people.token(tenant.id, plain, roles=["User"]))
    admin = people.client(await people.token(tenant.id, chief, roles=["Viewer", "Admin"]))
    promoted = people.client(await people.token(tenant.id, plain, roles=["Admin"]))
    without = people.client(await people.token(tenant.id, plain))

    answers = [await one.http.get("/public-api/api-keys") for one in (user, admin, promoted, without)]

    assert [answer.status_code for answer in answers] == [403, 200, 403, 403]
    assert (await without.http.get("/public-api/agents")).status_code == 200


async def test_somebody_without_an_app_role_becomes_nobody(people: People, tenant: Tenant) -> None:
    oid = uuid4()
    stranger = people.client(await people.token(tenant.id, oid, roles=["Guest", "Owner"]))
    _, admin = await people.join(tenant.id, "Admin")

    answer = await stranger.http.get(SESSIONS)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "role_not_assigned")
    assert (await admin.http.get(f"/public-api/technicians/{oid}")).status_code == 404


@pytest.mark.parametrize(
    ("default", "claims", "role"),
    [
        (Role.USER, {}, Role.USER),
        (Role.VIEWER, {}, Role.VIEWER),
        (Role.USER, {"app_roles": frozenset({"Viewer"})}, Role.VIEWER),
        (None, {"app_roles": frozenset({"Viewer"}), "is_guest": True}, Role.VIEWER),
        (Role.USER, {"is_guest": True}, None),
        (None, {}, None),
    ],
)
async def test_a_default_role_is_for_the_organisations_own_people(
    rows: Rows, tenant: Tenant, default: Role | None, claims: dict[str, Any], role: Role | None
) -> None:
    given: dict[str, Any] = {"app_roles": frozenset(), **claims}
    person = EntraPerson(uuid4(), uuid4(), "Ada", None, expires_at=0, **given)
    enrol = Enrolment(rows.database, default)

    if role is None:
        with pytest.raises(RoleNotAssigned):
            await enrol(tenant.id, person)
    else:
        assert await enrol(tenant.id, person) is role


async def test_b12_a_tenant_that_was_never_onboarded_is_refused(people: People, identity: object) -> None:
    from support.issuer import Issuer

    assert isinstance(identity, Issuer)
    stranger = people.client(identity.token())

    answer = await stranger.http.get(SESSIONS)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "tenant_not_onboarded")


async def test_b24_a_person_who_was_lowered_or_locked_out_is_so_at_once(
    people: People, tenant: Tenant, rows: Rows
) -> None:
    from sqlalchemy import text

    oid, user = await people.join(tenant.id, "User")
    await user.open(managed_agent_key="NEO_SUPPORT")

    async with rows.database.transaction(tenant.id) as db:
        await db.execute(text("UPDATE technicians SET role = 'Viewer' WHERE user_id = :id"), {"id": oid})
    lowered = await user.http.post(SESSIONS, json={"managed_agent_key": "NEO_SUPPORT"})
    async with rows.database.transaction(tenant.id) as db:
        await db.execute(text("UPDATE technicians SET is_active = false WHERE user_id = :id"), {"id": oid})
    locked_out = await user.http.get(SESSIONS)

    assert (lowered.status_code, lowered.json()["error"]["code"]) == (403, "caller_not_allowed")
    assert (locked_out.status_code, locked_out.json()["error"]["code"]) == (403, "technician_inactive")


async def test_a_user_sees_their_own_sessions_only_and_an_admin_reads_all_of_the_tenant(
    people: People, tenant: Tenant
) -> None:
    _, ada = await people.join(tenant.id, "User")
    _, ben = await people.join(tenant.id, "User")
    _, admin = await people.join(tenant.id, "Admin")
    _, viewer = await people.join(tenant.id, "Viewer")
    session = await ada.open()

    assert await statuses(ada, session) == {"get": 200, "messages": 200, "post": 202, "archive": 200}
    assert await statuses(ben, session) == {"get": 404, "messages": 404, "post": 404, "archive": 404}
    assert await statuses(admin, session) == {"get": 200, "messages": 200, "post": 403, "archive": 403}
    assert await statuses(viewer, session) == {"get": 404, "messages": 404, "post": 403, "archive": 403}
    assert session in await listed(admin)
    assert session in await listed(ada)
    assert session not in await listed(ben)


async def test_b17_one_object_id_in_two_tenants_is_two_people(
    people: People, tenant: Tenant, rows: Rows
) -> None:
    other = await rows.tenant("The same oid")
    oid, here = await people.join(tenant.id, "User")
    _, there = await people.join(other.id, "User", oid)
    session = await here.open()
    renamed = people.client(
        await people.token(tenant.id, oid, preferred_username="new@example.com", idp="guest")
    )

    assert (await there.http.get(f"{SESSIONS}/{session}")).status_code == 404
    assert (await renamed.http.get(f"{SESSIONS}/{session}")).status_code == 200


async def test_a_service_account_sees_the_dashboards_sessions_and_they_say_where_they_are_from(
    people: People, tenant: Tenant, client: Client
) -> None:
    _, ada = await people.join(tenant.id, "User")
    session = await ada.open()
    account = people.client(tenant.api_key)

    shown = (await account.http.get(f"{SESSIONS}/{session}")).json()["data"]

    assert shown["channel"] == "DASHBOARD"


@pytest.mark.parametrize(("access", "admin", "named", "user"), [
    (Access.ALL_USERS, 200, 200, 200),
    (Access.ADMINS_ONLY, 200, 403, 403),
    (Access.SPECIFIC_USERS, 403, 200, 403),
])  # fmt: skip
async def test_an_agents_access_decides_who_opens_and_who_posts(
    people: People, tenant: Tenant, rows: Rows, access: Access, admin: int, named: int, user: int
) -> None:
    oid, ada = await people.join(tenant.id, "User")
    _, ben = await people.join(tenant.id, "User")
    _, chief = await people.join(tenant.id, "Admin")
    agent_id = await rows.agent(tenant_id=tenant.id, access=access, access_user_ids=[oid])

    opened = [await one.http.post(SESSIONS, json={"agent_id": agent_id}) for one in (chief, ada, ben)]

    assert [answer.status_code for answer in opened] == [admin, named, user]
    assert {a.json()["error"]["code"] for a in opened if a.status_code == 403} <= {"agent_access_denied"}


async def test_access_that_was_taken_away_ends_posting_too(
    people: People, tenant: Tenant, rows: Rows
) -> None:
    from sqlalchemy import text

    _, ada = await people.join(tenant.id, "User")
    agent_id = await rows.agent(tenant_id=tenant.id)
    session = await ada.open(agent_id=agent_id)
    async with rows.database.transaction(tenant.id) as db:
        await db.execute(text("UPDATE agents SET access = 'ADMINS_ONLY' WHERE id = :id"), {"id": agent_id})

    refused = await ada.post(session, "Hello")
    account = people.client(tenant.api_key)
    by_account = await account.post(session, "Hello")

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "agent_access_denied")
    assert by_account.status_code == 202


async def test_an_end_user_agent_is_reached_through_its_channel_only(
    people: People, tenant: Tenant, rows: Rows
) -> None:
    agent_id = await rows.agent(tenant_id=tenant.id, audience=Audience.END_USER)
    _, admin = await people.join(tenant.id, "Admin")

    for one in (people.client(tenant.api_key), admin):
        answer = await one.http.post(SESSIONS, json={"agent_id": agent_id})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "agent_needs_channel")


async def statuses(caller: Client, session: str) -> dict[str, int]:
    url = f"{SESSIONS}/{session}"
    return {
        "get": (await caller.http.get(url)).status_code,
        "messages": (await caller.http.get(f"{url}/messages")).status_code,
        "post": (await caller.post(session, "Hello")).status_code,
        "archive": (await caller.http.post(f"{url}/archive")).status_code,
    }


async def listed(caller: Client) -> list[UUID]:
    answer = await caller.http.get(SESSIONS, params={"page_size": 200})
    return [session["id"] for session in answer.json()["data"]]
