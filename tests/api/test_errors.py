"""Each kind of failure is one status, and what was not foreseen tells the caller nothing."""

import httpx2
import pytest

from api.stage import error_of
from neo.api.errors import STATUSES
from neo.errors import Kind


def test_every_kind_has_a_status_of_its_own() -> None:
    assert set(STATUSES) == set(Kind)
    assert len(set(STATUSES.values())) == len(STATUSES)


@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name)
async def test_a_failure_is_its_status_with_code_message_and_details(
    http: httpx2.AsyncClient, kind: Kind
) -> None:
    answer = await http.get(f"/refused/{kind.name}")

    assert answer.status_code == STATUSES[kind]
    assert error_of(answer) == {"code": "refused", "message": "Refused.", "details": {"kind": kind.name}}
    assert answer.json()["meta"]["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.headers.get("www-authenticate") == "Bearer") is (kind is Kind.UNAUTHENTICATED)


async def test_a_bug_is_500_and_its_reason_stays_inside(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/bug")

    assert (answer.status_code, error_of(answer)["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.json()["meta"]["request_id"] == answer.headers["x-request-id"]


async def test_a_path_that_is_not_there_is_404_and_another_method_is_405_with_those_that_are_taken(
    http: httpx2.AsyncClient,
) -> None:
    nowhere, other = await http.get("/nowhere"), await http.put("/things")

    assert (nowhere.status_code, error_of(nowhere)["code"]) == (404, "route_not_found")
    assert (other.status_code, error_of(other)["code"]) == (405, "method_not_allowed")
    assert other.headers["allow"] == "GET"


async def test_a_parameter_that_is_not_valid_is_named(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/things", params={"page_size": "many"})

    assert (answer.status_code, error_of(answer)["code"]) == (422, "validation_error")
    assert list(error_of(answer)["details"]["fields"]) == ["page_size"]
