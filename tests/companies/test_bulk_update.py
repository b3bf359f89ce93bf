"""Several companies are updated together: all of them or none."""

import asyncio
from typing import Any

import httpx2
import pytest

from support.client import Client

COMPANIES = "/public-api/end-companies"


async def make(client: Client, *ids: str) -> None:
    for company_id in ids:
        body = {"psa_company_id": company_id, "psa_company_name": f"Company {company_id}"}
        assert (await client.http.post(COMPANIES, json=body)).status_code == 200


async def updated(client: Client, *companies: Any) -> httpx2.Response:
    return await client.http.post(f"{COMPANIES}/bulk-update", json={"companies": list(companies)})


async def versions(client: Client) -> dict[str, int]:
    listed = (await client.http.get(COMPANIES)).json()["data"]
    return {company["psa_company_id"]: company["version"] for company in listed}


async def test_each_gets_its_own_change_and_the_order_is_kept(own: Client) -> None:
    await make(own, "a", "b", "c")

    answer = await updated(
        own,
        {"psa_company_id": "c", "psa_company_name": "See", "version": 1},
        {"psa_company_id": "a", "custom_instructions": "Be brief.", "tenant_id": None},
        {"psa_company_id": "b"},
    )

    found = answer.json()["data"]
    assert [company["psa_company_id"] for company in found] == ["c", "a", "b"]
    assert (found[0]["psa_company_name"], found[1]["custom_instructions"]) == ("See", "Be brief.")
    assert await versions(own) == {"a": 2, "b": 1, "c": 2}


async def test_an_unknown_one_fails_the_whole_and_is_named(own: Client, client: Client) -> None:
    await make(own, "a")
    await client.http.post(COMPANIES, json={"psa_company_id": "others", "psa_company_name": "Others"})

    answer = await updated(
        own,
        {"psa_company_id": "a", "psa_company_name": "Changed"},
        {"psa_company_id": "others", "psa_company_name": "Stolen"},
    )

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "end_company_not_found")
    assert error["details"] == {"index": 1}
    assert await versions(own) == {"a": 1}


async def test_a_conflict_fails_the_whole_and_is_named(own: Client) -> None:
    await make(own, "a", "b")

    answer = await updated(
        own,
        {"psa_company_id": "a", "psa_company_name": "Changed"},
        {"psa_company_id": "b", "psa_company_name": "Changed", "version": 9},
    )

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "end_company_update_conflict")
    assert error["details"] == {"index": 1}
    assert await versions(own) == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    "companies",
    [
        [{"psa_company_id": "a"}, {"psa_company_id": "a"}],
        [{"psa_company_id": f"c{number}"} for number in range(201)],
        [{"psa_company_name": "No id"}],
        [{"psa_company_id": "a", "psa_company_name": None}],
        "a",
        None,
    ],
)
async def test_a_list_that_is_not_valid_is_refused(own: Client, companies: Any) -> None:
    await make(own, "a")

    answer = await own.http.post(f"{COMPANIES}/bulk-update", json={"companies": companies})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation_error")


async def test_two_hundred_are_taken_and_none_is_nothing(own: Client) -> None:
    ids = [f"c{number:03}" for number in range(200)]
    await make(own, *ids)

    many = await updated(own, *({"psa_company_id": one, "psa_company_name": "New"} for one in ids))
    none = await updated(own)

    assert [company["version"] for company in many.json()["data"]] == [2] * 200
    assert (none.status_code, none.json()["data"]) == (200, [])


async def test_unknown_fields_of_each_are_named(own: Client) -> None:
    await make(own, "a")

    answer = await updated(own, {"psa_company_id": "a", "nickname": "x", "psa_company_name": "New"})

    assert answer.json()["meta"]["warnings"] == ["Unknown field ignored: companies.nickname"]
    assert answer.json()["data"][0]["psa_company_name"] == "New"


async def test_updates_in_opposite_order_do_not_block_each_other(own: Client) -> None:
    ids = [f"c{number}" for number in range(10)]
    await make(own, *ids)

    def all_of(names: list[str], name: str) -> list[dict[str, str]]:
        return [{"psa_company_id": one, "psa_company_name": name} for one in names]

    answers = await asyncio.gather(
        *(updated(own, *all_of(ids, f"up {number}")) for number in range(5)),
        *(updated(own, *all_of(ids[::-1], f"down {number}")) for number in range(5)),
    )

    assert {answer.status_code for answer in answers} == {200}
    assert set((await versions(own)).values()) == {11}
