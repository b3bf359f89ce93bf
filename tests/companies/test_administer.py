"""End companies through the API: kept, changed in part, listed, and seen by their tenant only."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import select

from neo.audit import AuditEntry
from neo.db import PAGE_BYTES_MAX
from support.client import Client
from support.people import People
from support.rows import Rows
from support.server import Server

COMPANIES = "/public-api/end-companies"
NULLABLE = {
    "tenant_id": None,
    "custom_instructions": None,
    "custom_instructions_for_user_facing_chat": None,
    "employee_identity_provider": None,
    "mailbox_provider": None,
}
WHOLE = {
    "psa_company_id": "acme-1",
    "psa_company_name": "Acme GmbH",
    "tenant_id": "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "custom_instructions": "Acme pays late.",
    "custom_instructions_for_user_facing_chat": "Be brief.\n\nCall nobody.",
    "auto_assign_exchange_admin": True,
    "employee_identity_provider": {"onprem_ad_runner_hostname": "dc1", "deep": [1, 2.5, {"a": None}]},
    "mailbox_provider": {},
    "marketplace_company_ids": [{"company_id": "m-1", "market": "pax8"}, {"company_id": 7}],
}


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def made(client: Client, company_id: str = "acme-1", **fields: Any) -> dict[str, Any]:
    body = {"psa_company_id": company_id, "psa_company_name": "Acme GmbH", **fields}
    answer = await client.http.post(COMPANIES, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def test_a_company_is_kept_as_it_was_sent(own: Client) -> None:
    created = (await own.http.post(COMPANIES, json=WHOLE)).json()["data"]
    read = (await own.http.get(f"{COMPANIES}/acme-1")).json()["data"]

    assert created == read
    assert {name: read[name] for name in WHOLE} == WHOLE
    assert read["version"] == 1
    assert (read["azure_application_access_granted"], read["azure_delegated_access_granted"]) == (
        False,
        False,
    )


async def test_what_is_not_sent_has_its_default(own: Client) -> None:
    created = await made(own)

    assert {name: created[name] for name in NULLABLE} == NULLABLE
    assert (created["auto_assign_exchange_admin"], created["marketplace_company_ids"]) == (False, [])


@pytest.mark.parametrize(
    "company_id", ["a b", "ä", "100%", "a?b#c", "...", "日本", "x" * 200, "é" * 200, "a\\b"]
)
async def test_an_id_may_be_of_any_printable_characters(own: Client, company_id: str) -> None:
    await made(own, company_id)

    path = httpx2.URL(str(own.http.base_url), raw_path=f"{COMPANIES}/{quoted(company_id)}".encode())
    read = await own.http.get(path)

    assert read.json()["data"]["psa_company_id"] == company_id


@pytest.mark.parametrize("name", ["%ff", "x" * 201, "%20", "nobody", "%E2%80%A8"])
async def test_what_cannot_be_an_id_is_not_found(own: Client, name: str) -> None:
    path = httpx2.URL(str(own.http.base_url), raw_path=f"{COMPANIES}/{name}".encode())

    for method in ("GET", "DELETE", "PATCH"):
        answer = await own.http.request(method, path, json={} if method == "PATCH" else None)
        assert answer.status_code == 404


async def test_a_partial_update_changes_what_was_sent_and_nothing_else(own: Client) -> None:
    before = (await own.http.post(COMPANIES, json=WHOLE)).json()["data"]

    after = (await own.http.patch(f"{COMPANIES}/acme-1", json={"psa_company_name": "Acme AG"})).json()["data"]

    assert after == {
        **before,
        "psa_company_name": "Acme AG",
        "version": 2,
        "updated_at": after["updated_at"],
    }
    assert after["updated_at"] > before["updated_at"]


async def test_null_clears_what_may_be_null(own: Client) -> None:
    await own.http.post(COMPANIES, json=WHOLE)

    after = (await own.http.patch(f"{COMPANIES}/acme-1", json=NULLABLE)).json()["data"]

    assert {name: after[name] for name in NULLABLE} == NULLABLE
    assert after == (await own.http.get(f"{COMPANIES}/acme-1")).json()["data"]


@pytest.mark.parametrize(
    "field", ["psa_company_name", "auto_assign_exchange_admin", "marketplace_company_ids", "version"]
)
async def test_null_is_refused_where_there_is_no_null(own: Client, field: str) -> None:
    await made(own)

    answer = await own.http.patch(f"{COMPANIES}/acme-1", json={field: None})

    assert code(answer) == (422, "validation_error")
    assert list(answer.json()["error"]["details"]["fields"]) == [field]


@pytest.mark.parametrize("body", [{}, {"psa_company_name": "Acme GmbH"}, {"version": 1}])
async def test_an_update_without_a_change_changes_nothing(own: Client, body: dict[str, Any]) -> None:
    before = await made(own)

    after = await own.http.patch(f"{COMPANIES}/acme-1", json=body)

    assert (after.status_code, after.json()["data"]) == (200, before)


async def test_an_update_of_another_version_is_a_conflict_and_changes_nothing(own: Client) -> None:
    await made(own)
    await own.http.patch(f"{COMPANIES}/acme-1", json={"psa_company_name": "Acme AG", "version": 1})

    late = await own.http.patch(f"{COMPANIES}/acme-1", json={"psa_company_name": "Acme SE", "version": 1})

    assert code(late) == (409, "end_company_update_conflict")
    assert (await own.http.get(f"{COMPANIES}/acme-1")).json()["data"]["psa_company_name"] == "Acme AG"


async def test_a_known_id_is_a_conflict(own: Client) -> None:
    await made(own)

    again = await own.http.post(COMPANIES, json={"psa_company_id": "acme-1", "psa_company_name": "Other"})

    assert code(again) == (409, "end_company_exists")
    assert (await own.http.get(f"{COMPANIES}/acme-1")).json()["data"]["psa_company_name"] == "Acme GmbH"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"psa_company_id": ""}, "psa_company_id"),
        ({"psa_company_id": "a/b"}, "psa_company_id"),
        ({"psa_company_id": ".."}, "psa_company_id"),
        ({"psa_company_id": "a\nb"}, "psa_company_id"),
        ({"psa_company_id": " a"}, "psa_company_id"),
        ({"psa_company_id": "x" * 201}, "psa_company_id"),
        ({"psa_company_id": 7}, "psa_company_id"),
        ({"psa_company_name": ""}, "psa_company_name"),
        ({"psa_company_name": "  "}, "psa_company_name"),
        ({"psa_company_name": "a\u0007b"}, "psa_company_name"),
        ({"psa_company_name": "x" * 201}, "psa_company_name"),
        ({"tenant_id": "acme.onmicrosoft.com"}, "tenant_id"),
        ({"tenant_id": "{1b4e28ba-2fa1-11d2-883f-0016d3cca427}"}, "tenant_id"),
        ({"tenant_id": ["1b4e28ba-2fa1-11d2-883f-0016d3cca427"]}, "tenant_id"),
        ({"custom_instructions": "x" * 100_001}, "custom_instructions"),
        ({"custom_instructions_for_user_facing_chat": 5}, "custom_instructions_for_user_facing_chat"),
        ({"auto_assign_exchange_admin": "true"}, "auto_assign_exchange_admin"),
        ({"employee_identity_provider": [1]}, "employee_identity_provider"),
        ({"employee_identity_provider": {"a": "x" * 10_240}}, "employee_identity_provider"),
        ({"mailbox_provider": {"a": 2**64}}, "mailbox_provider"),
        ({"mailbox_provider": {"a": [1e300]}}, "mailbox_provider"),
        ({"marketplace_company_ids": [{"company_id": "1"}] * 101}, "marketplace_company_ids"),
        ({"marketplace_company_ids": [{"company_id": "x" * 10_240}]}, "marketplace_company_ids"),
        ({"marketplace_company_ids": [{"id": "1"}]}, "marketplace_company_ids.0.company_id"),
    ],
)
async def test_what_is_not_valid_is_refused_by_its_name(
    own: Client, change: dict[str, Any], field: str
) -> None:
    answer = await own.http.post(COMPANIES, json={"psa_company_id": "a", "psa_company_name": "A", **change})

    assert code(answer) == (422, "validation_error")
    assert any(name.startswith(field) for name in answer.json()["error"]["details"]["fields"])
    assert (await own.http.get(COMPANIES)).json()["data"] == []


async def test_deep_objects_are_kept_or_refused_and_never_break(own: Client) -> None:
    for depth in (50, 150, 190, 250, 900):
        deep = "[" * depth + "]" * depth
        body = (
            f'{{"psa_company_id": "d{depth}", "psa_company_name": "D", "mailbox_provider": {{"a": {deep}}}}}'
        )
        answer = await own.http.post(COMPANIES, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (200, 422), answer.text
        if answer.status_code == 200:
            assert (await own.http.get(f"{COMPANIES}/d{depth}")).json()["data"] == answer.json()["data"]
    assert (await own.http.get(COMPANIES)).status_code == 200


async def test_unknown_fields_are_named_and_ignored(own: Client) -> None:
    body = {"psa_company_id": "a", "psa_company_name": "A", "azure_application_access_granted": True}

    answer = (await own.http.post(COMPANIES, json=body)).json()

    assert answer["meta"]["warnings"] == ["Unknown field ignored: azure_application_access_granted"]
    assert answer["data"]["azure_application_access_granted"] is False


async def test_a_list_is_paged_to_its_end_in_order(own: Client) -> None:
    ids = [f"c{number}" for number in range(7)]
    for company_id in reversed(ids):
        await made(own, company_id)
    seen, sizes, cursor = [], [], None

    while True:
        params = {"page_size": "3"} | ({"cursor": cursor} if cursor else {})
        answer = (await own.http.get(COMPANIES, params=params)).json()
        seen += [company["psa_company_id"] for company in answer["data"]]
        sizes.append(len(answer["data"]))
        cursor = answer["meta"]["pagination"]["next_cursor"]
        assert answer["meta"]["pagination"]["has_more"] == (cursor is not None)
        if cursor is None:
            break

    assert (seen, sizes) == (ids, [3, 3, 1])


async def test_the_longest_ids_can_be_paged_by(own: Client) -> None:
    for letter in "𝔞𝔟":
        await made(own, letter * 200)

    first = (await own.http.get(COMPANIES, params={"page_size": 1})).json()
    cursor = first["meta"]["pagination"]["next_cursor"]
    second = (await own.http.get(COMPANIES, params={"page_size": 1, "cursor": cursor})).json()

    assert {first["data"][0]["psa_company_id"], second["data"][0]["psa_company_id"]} == {"𝔞" * 200, "𝔟" * 200}


async def test_another_tenants_cursor_is_refused(own: Client, client: Client) -> None:
    for company_id in ("a", "b"):
        await made(own, company_id)
    cursor = (await own.http.get(COMPANIES, params={"page_size": 1})).json()["meta"]["pagination"][
        "next_cursor"
    ]

    answer = await client.http.get(COMPANIES, params={"cursor": cursor})

    assert code(answer) == (400, "invalid_cursor")


async def test_a_list_is_filtered_by_the_microsoft_tenant(own: Client) -> None:
    tenant = str(uuid4())
    await made(own, "a", tenant_id=tenant.upper())
    await made(own, "b", tenant_id=tenant)
    await made(own, "c", tenant_id=str(uuid4()))
    await made(own, "d")

    for asked in (tenant, tenant.upper()):
        found = (await own.http.get(COMPANIES, params={"tenant_id": asked})).json()["data"]
        assert [(one["psa_company_id"], one["tenant_id"]) for one in found] == [("a", tenant), ("b", tenant)]
    for wrong in ("", "acme", tenant.replace("-", "")):
        assert code(await own.http.get(COMPANIES, params={"tenant_id": wrong})) == (422, "validation_error")


async def test_a_deleted_company_is_gone_and_its_id_is_free(own: Client) -> None:
    await made(own)

    deleted = await own.http.delete(f"{COMPANIES}/acme-1")

    assert (deleted.status_code, deleted.json()["data"]) == (200, {"psa_company_id": "acme-1"})
    for method in ("GET", "DELETE"):
        gone = await own.http.request(method, f"{COMPANIES}/acme-1")
        assert code(gone) == (404, "end_company_not_found")
    assert (await made(own))["version"] == 1


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_another_tenants_company_is_as_if_it_were_not_there(
    own: Client, client: Client, method: str
) -> None:
    company_id = f"theirs-{uuid4()}"
    await made(own, company_id)
    # What is wrong with the body is for those who may see the company.
    body = {"psa_company_name": 5} if method == "PATCH" else None

    theirs = await client.http.request(method, f"{COMPANIES}/{company_id}", json=body)
    nobodys = await client.http.request(method, f"{COMPANIES}/{uuid4()}", json=body)

    assert code(theirs) == (404, "end_company_not_found")
    assert theirs.json()["error"] == nobodys.json()["error"]
    assert (await own.http.get(f"{COMPANIES}/{company_id}")).json()["data"]["version"] == 1


async def test_two_tenants_may_have_the_same_id(own: Client, server: Server, rows: Rows) -> None:
    other = Client(server.url, (await rows.tenant()).api_key)
    await made(own, "same", custom_instructions="ours")
    await made(other, "same", custom_instructions="theirs")

    read = (await own.http.get(f"{COMPANIES}/same")).json()["data"]

    assert read["custom_instructions"] == "ours"
    await other.http.aclose()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("GET", ""),
        ("GET", "/a"),
        ("PATCH", "/a"),
        ("DELETE", "/a"),
        ("POST", "/bulk-update"),
    ],
)
async def test_who_may_not_is_refused_before_the_body_is_read(
    server: Server, rows: Rows, method: str, path: str
) -> None:
    platform = Client(server.url, (await rows.platform()).api_key)

    answer = await platform.http.request(method, COMPANIES + path, content=b"{")

    assert code(answer) == (403, "caller_not_allowed")
    await platform.http.aclose()


async def test_each_change_is_in_the_audit_log_without_the_texts(server: Server, rows: Rows) -> None:
    tenant = await rows.tenant()
    client = Client(server.url, tenant.api_key)
    await client.http.post(COMPANIES, json=WHOLE)
    await client.http.patch(f"{COMPANIES}/acme-1", json={"custom_instructions": "a secret", "version": 1})
    await client.http.patch(f"{COMPANIES}/acme-1", json={"custom_instructions": "another", "version": 1})
    await client.http.patch(f"{COMPANIES}/acme-1", json={})
    await client.http.delete(f"{COMPANIES}/acme-1")

    async with rows.database.transaction(tenant.id) as db:
        ours = select(AuditEntry).where(AuditEntry.object_kind == "end_company")
        entries = (await db.scalars(ours.order_by(AuditEntry.id))).all()

    assert [(entry.action, entry.object_id) for entry in entries] == [
        ("end_company.created", "acme-1"),
        ("end_company.updated", "acme-1"),
        ("end_company.deleted", "acme-1"),
    ]
    assert entries[1].details == {"fields": ["custom_instructions"]}
    assert entries[0].request_id is not None
    await client.http.aclose()


@pytest.mark.parametrize(("role", "changes"), [("Admin", 200), ("User", 403), ("Viewer", 403)])
async def test_everybody_of_the_tenant_reads_and_an_admin_changes(
    rows: Rows, people: People, role: str, changes: int
) -> None:
    tenant = await rows.tenant()
    _, admin = await people.join(tenant.id, "Admin")
    await made(admin)
    _, caller = await people.join(tenant.id, role)

    read = [await caller.http.get(path) for path in (COMPANIES, f"{COMPANIES}/acme-1")]
    changed = [
        await caller.http.post(COMPANIES, json={"psa_company_id": "b", "psa_company_name": "B"}),
        await caller.http.patch(f"{COMPANIES}/acme-1", json={"psa_company_name": "New"}),
        await caller.http.post(f"{COMPANIES}/bulk-update", json={"companies": []}),
        await caller.http.delete(f"{COMPANIES}/acme-1"),
    ]

    assert {answer.status_code for answer in read} == {200}
    assert {answer.status_code for answer in changed} == {changes}


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


async def test_a_page_of_long_rows_ends_early_with_its_cursor(own: Client) -> None:
    long = {
        "custom_instructions": "é" * 100_000,
        "custom_instructions_for_user_facing_chat": "é" * 100_000,
    }
    ids = [f"long-{number:02}" for number in range(PAGE_BYTES_MAX // 400_000 + 3)]
    for company_id in ids:
        await made(own, company_id, **long)
    await made(own, "short")

    pages: list[list[str]] = []
    cursor = None
    while not pages or cursor is not None:
        params = {"page_size": "200", **({"cursor": cursor} if cursor else {})}
        answer = await own.http.get(COMPANIES, params=params)
        assert len(answer.content) < PAGE_BYTES_MAX * 1.1
        pages.append([one["psa_company_id"] for one in answer.json()["data"]])
        cursor = answer.json()["meta"]["pagination"]["next_cursor"]

    assert [one for page in pages for one in page] == [*ids, "short"]
    assert [len(page) for page in pages] == [PAGE_BYTES_MAX // 400_000, 4]
