"""The tenant and its settings through the API, and new tenants by the platform."""

from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from support.client import Client
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server

SETTINGS = "/public-api/settings"
TENANT = "/public-api/tenant"
TENANTS = "/public-api/tenants"
WHOLE: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "start_business_hours": 0,
    "end_business_hours": 24,
    "human_friendly_client_name": "Example MSP",
    "referral_code": "friend",
    "sleep_before_callback_processing_seconds": 86_400,
}


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_caller_sees_its_own_tenant(own: Client, tenant: Tenant, people: People) -> None:
    entra = await people.entra_tenant(tenant.id)

    seen = (await own.http.get(TENANT)).json()["data"]

    assert (seen["id"], seen["name"]) == (str(tenant.id), "A tenant with agents")
    assert (seen["entra_tenant_id"], seen["is_platform"]) == (str(entra), False)


async def test_settings_begin_empty_and_change_in_part(own: Client) -> None:
    at_first = (await own.http.get(SETTINGS)).json()["data"]
    whole = (await own.http.put(SETTINGS, json=WHOLE)).json()["data"]
    part = (await own.http.put(SETTINGS, json={"referral_code": None, "start_business_hours": 9})).json()[
        "data"
    ]

    assert at_first == dict.fromkeys(WHOLE)
    assert whole == WHOLE
    assert part == {**WHOLE, "referral_code": None, "start_business_hours": 9}
    assert (await own.http.get(SETTINGS)).json()["data"] == part


async def test_changes_of_settings_are_on_record_and_nothing_is_not(own: Client) -> None:
    await own.http.put(SETTINGS, json=WHOLE)
    await own.http.put(SETTINGS, json=WHOLE)
    await own.http.put(SETTINGS, json={})

    log = (await own.http.get("/public-api/audit-log", params={"action": "settings.updated"})).json()["data"]

    assert [entry["details"] for entry in log] == [{"fields": sorted(WHOLE)}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone_unknown"),
        ({"timezone": "europe/berlin"}, "timezone_unknown"),
        ({"timezone": "../etc/passwd"}, "timezone_unknown"),
        ({"timezone": "UTC+3"}, "timezone_unknown"),
        ({"timezone": ""}, "validation_error"),
        ({"start_business_hours": 25}, "validation_error"),
        ({"end_business_hours": -1}, "validation_error"),
        ({"end_business_hours": True}, "validation_error"),
        ({"start_business_hours": "9"}, "validation_error"),
        ({"human_friendly_client_name": "x" * 201}, "validation_error"),
        ({"sleep_before_callback_processing_seconds": 86_401}, "validation_error"),
    ],
)
async def test_settings_that_cannot_be(own: Client, body: dict[str, Any], expected: str) -> None:
    assert code(await own.http.put(SETTINGS, json=body)) == (422, expected)
    assert (await own.http.get(SETTINGS)).json()["data"] == dict.fromkeys(WHOLE)


async def test_a_body_cannot_make_a_platform_or_take_a_microsoft_tenant(own: Client, tenant: Tenant) -> None:
    sent = {"is_platform": True, "entra_tenant_id": str(uuid4()), "id": str(uuid4()), "suspended_at": None}

    answer = await own.http.put(SETTINGS, json=sent)

    assert len(answer.json()["meta"]["warnings"]) == len(sent)
    seen = (await own.http.get(TENANT)).json()["data"]
    assert (seen["id"], seen["is_platform"], seen["entra_tenant_id"]) == (str(tenant.id), False, None)


@pytest.mark.parametrize(
    "change", ["is_platform = true", "entra_tenant_id = gen_random_uuid()", "suspended_at = NULL"]
)
async def test_the_applications_role_could_not_either(rows: Rows, tenant: Tenant, change: str) -> None:
    with pytest.raises(ProgrammingError):
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(text(f"UPDATE tenants SET {change}"))


@pytest.mark.parametrize(
    ("role", "statuses"), [("Admin", [200, 200, 200]), ("User", [200, 200, 403]), ("Viewer", [200, 200, 403])]
)
async def test_all_users_read_the_setup_and_admins_change_it(
    tenant: Tenant, people: People, role: str, statuses: list[int]
) -> None:
    _, caller = await people.join(tenant.id, role)

    answers = [
        await caller.http.get(TENANT),
        await caller.http.get(SETTINGS),
        await caller.http.put(SETTINGS, json={}),
    ]

    assert [answer.status_code for answer in answers] == statuses


async def test_the_platform_creates_a_tenant_with_its_agent(rows: Rows, server: Server) -> None:
    relay = await rows.platform()
    platform, entra = Client(server.url, relay.api_key), str(uuid4())

    created = (
        await platform.http.post(TENANTS, json={"name": "A new MSP", "entra_tenant_id": entra})
    ).json()["data"]
    again = await platform.http.post(TENANTS, json={"name": "Another", "entra_tenant_id": entra.upper()})

    assert (created["name"], created["entra_tenant_id"], created["is_platform"]) == (
        "A new MSP",
        entra,
        False,
    )
    assert code(again) == (409, "entra_tenant_taken")
    newcomer = Client(server.url, await rows.key(UUID(created["id"])))
    assert [one["name"] for one in (await newcomer.http.get("/public-api/agents")).json()["data"]] == [
        "Neo Support"
    ]
    [entry] = (await newcomer.http.get("/public-api/audit-log")).json()["data"]
    assert (entry["action"], entry["actor_kind"]) == ("tenant.created", "platform")
    # Whose platform it is, the new tenant is not told.
    assert str(relay.id) not in str(entry)
    await newcomer.http.aclose()
    await platform.http.aclose()


@pytest.mark.parametrize("body", [{}, {"name": " "}, {"name": "x", "entra_tenant_id": "common"}])
async def test_a_tenant_that_cannot_be(rows: Rows, server: Server, body: dict[str, Any]) -> None:
    platform = Client(server.url, (await rows.platform()).api_key)

    assert code(await platform.http.post(TENANTS, json=body)) == (422, "validation_error")
    await platform.http.aclose()


async def test_nobody_else_creates_tenants(own: Client, tenant: Tenant, people: People) -> None:
    _, admin = await people.join(tenant.id, "Admin")

    for caller in (own, admin):
        assert code(await caller.http.post(TENANTS, content=b"{")) == (403, "caller_not_allowed")
