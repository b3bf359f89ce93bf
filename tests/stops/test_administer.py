"""Stops through the API: of whatever a tenant has, and of nothing that is not its own."""

from typing import Any

import httpx2
import pytest

from contract.door_objects import Household, make_household
from support.people import People
from support.rows import Rows

STOPS = "/public-api/tool-stops"


@pytest.fixture(scope="module")
async def household(rows: Rows, people: People) -> Household:
    household = await make_household(people, await rows.tenant("A tenant that stops tools"))
    await lift(household, household.ids["stop_id"])
    return household


@pytest.fixture(scope="module")
async def neighbour(rows: Rows, people: People) -> Household:
    return await make_household(people, await rows.tenant("A neighbour"))


async def put(household: Household, **body: Any) -> httpx2.Response:
    return await household.account.http.put(STOPS, json=body)


async def lift(household: Household, stop_id: str) -> httpx2.Response:
    return await household.account.http.delete(f"{STOPS}/{stop_id}")


TARGETS = {
    "TENANT": {},
    "COMPANY": {"id": "{psa_company_id}"},
    "AGENT": {"id": "{agent_id}"},
    "CONNECTION": {"id": "{connection_id}"},
    "TOOL": {"id": "{connection_id}", "tool": "{name}"},
}


def target(scope: str, household: Household) -> dict[str, str]:
    filled = {name: text.format_map(household.ids) for name, text in TARGETS[scope].items()}
    return {"scope": scope, **filled}


@pytest.mark.parametrize("scope", TARGETS)
async def test_a_stop_is_one_however_often_it_is_set_and_is_on_record(
    household: Household, scope: str
) -> None:
    wanted = target(scope, household)

    first, again = [(await put(household, **wanted)).json()["data"] for _ in range(2)]
    changed = (await put(household, **wanted, writes_only=True)).json()["data"]
    listed = (await household.account.http.get(STOPS)).json()["data"]
    lifted, twice = await lift(household, first["id"]), await lift(household, first["id"])

    assert first == again
    assert changed == {**first, "writes_only": True, "set_at": changed["set_at"]}
    assert (first["scope"], first["tool"], first["calls_in_flight"]) == (scope, wanted.get("tool"), [])
    assert first["scope_id"] == wanted.get("id", str(household.tenant.id))
    assert first["set_by"]["kind"] == "service_account"
    shown = {name: changed[name] for name in changed if not name.startswith("calls_")}
    assert [stop for stop in listed if stop["id"] == first["id"]] == [shown]
    assert (lifted.json()["data"], twice.status_code) == ({"id": first["id"], "deleted": True}, 404)
    assert twice.json()["error"]["code"] == "tool_stop_not_found"
    log = await household.admin.http.get("/public-api/audit-log", params={"object_kind": "tool_stop"})
    mine = [entry for entry in log.json()["data"] if entry["object_id"] == first["id"]]
    done = [(entry["action"], entry["details"]["writes_only"]) for entry in mine]
    # Set again without a change it is not.
    expected = [("tool_stop.lifted", True), ("tool_stop.set", True)]
    assert done == [*expected, ("tool_stop.set", False)]


@pytest.mark.parametrize("scope", TARGETS)
async def test_what_is_another_tenants_cannot_be_stopped(
    household: Household, neighbour: Household, scope: str
) -> None:
    theirs = {"TENANT": {"id": str(neighbour.tenant.id), "scope": scope}}
    refused = await put(household, **theirs.get(scope, target(scope, neighbour)))

    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "tool_stop_target_not_found")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": "COMPANY"}, 422),
        ({"scope": "TOOL", "id": "{connection_id}"}, 422),
        ({"scope": "CONNECTION", "id": "{connection_id}", "tool": "read"}, 422),
        ({"scope": "EVERYTHING"}, 422),
        ({"scope": "TOOL", "id": "{connection_id}", "tool": "reed"}, 404),
        ({"scope": "AGENT", "id": "no-number"}, 404),
        ({"scope": "CONNECTION", "id": "no-guid"}, 404),
        ({"scope": "COMPANY", "id": "a\0b"}, 422),
    ],
)
async def test_a_stop_that_would_stop_nothing_is_refused(
    household: Household, body: dict[str, str], status: int
) -> None:
    filled = {name: text.format_map(household.ids) for name, text in body.items()}

    assert (await put(household, **filled)).status_code == status


async def test_an_agent_is_named_by_its_number_too(household: Household) -> None:
    by_number = await put(household, scope="AGENT", id=int(household.ids["agent_id"]))
    by_text = await put(household, scope="AGENT", id=household.ids["agent_id"])

    assert by_number.json()["data"] == by_text.json()["data"]
    await lift(household, by_text.json()["data"]["id"])
