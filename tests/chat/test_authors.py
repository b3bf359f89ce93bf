"""Each message and its turn say who asked and with which credential; a reader learns no more of it than they may."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from sqlalchemy import text, update

from neo.sessions import ChatMessage
from neo.turns.models import ChatTurn
from support.client import SESSIONS, Client
from support.people import People
from support.rows import Rows, Tenant

MINT = "/public-api/sessions"
KEYS = text("SELECT id, account_id FROM api_keys WHERE tenant_id = :tenant_id")
ASKED = [
    text(
        "SELECT author_kind, author_id, author_tenant_id, credential_id FROM chat_turns WHERE id = :turn_id"
    ),
    text(
        "SELECT author_kind, author_id, author_tenant_id, credential_id FROM chat_messages "
        "WHERE turn_id = :turn_id AND role = 'user'"
    ),
]
FORGOTTEN = {"author_kind": None, "author_id": None, "author_tenant_id": None, "credential_id": None}


@dataclass
class House:
    """A tenant with a key, the platform that relays for it, and who else talks in its sessions."""

    rows: Rows
    people: People
    tenant: Tenant
    platform: Tenant

    @property
    def own(self) -> Client:
        return self.people.client(self.tenant.api_key)

    @property
    def relay(self) -> Client:
        return self.people.client(self.platform.api_key)

    async def relayed(self, **headers: str) -> str:
        answer = await self.relay.http.post(
            SESSIONS, json={"client_id": str(self.tenant.id)}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["id"])

    async def end_user(self, by: Client, session: str, **named: str) -> tuple[UUID, Client]:
        answer = await by.http.post(MINT, json={"session_id": session, **named})
        assert answer.status_code == 200, answer.text
        minted = answer.json()["data"]
        return UUID(minted["jti"]), self.people.client(minted["token"])

    async def key(self, tenant: Tenant) -> tuple[UUID, UUID]:
        """The ids of a tenant's only key and of its account."""
        async with self.rows.database.transaction(tenant.id) as db:
            [found] = await db.execute(KEYS, {"tenant_id": tenant.id})
        return found.id, found.account_id

    async def stored(self, turn_id: str) -> list[tuple[Any, ...]]:
        """Who asked, as the turn has it and as the message has it."""
        async with self.rows.database.transaction(self.tenant.id) as db:
            return [tuple((await db.execute(one, {"turn_id": turn_id})).one()) for one in ASKED]

    async def forget_who_asked(self) -> None:
        async with self.rows.database.transaction(self.tenant.id) as db:
            for table in (ChatTurn, ChatMessage):
                await db.execute(update(table).where(table.tenant_id == self.tenant.id).values(FORGOTTEN))


@pytest.fixture
async def house(rows: Rows, people: People) -> AsyncIterator[House]:
    yield House(rows, people, await rows.tenant(), await rows.platform())


async def shown(reader: Client, session: str) -> list[Any]:
    """The authors of what was asked, oldest first."""
    found = (await reader.messages(session))["messages"]
    return [one["metadata"]["author"] for one in found if one["role"] == "user"]


async def test_a_keys_message_names_its_account_and_the_key(house: House) -> None:
    key_id, account_id = await house.key(house.tenant)
    session = await house.own.open()

    said = await house.own.say(session, "Hello")

    author = {"kind": "SERVICE_ACCOUNT", "id": str(account_id), "name": "test"}
    assert (
        await house.stored(said["chat_turn_id"])
        == [("service_account", account_id, house.tenant.id, key_id)] * 2
    )
    assert await shown(house.own, session) == [author]
    assert (await house.own.turn(session, said["chat_turn_id"]))["author"] == author


async def test_a_rotated_keys_message_is_the_same_accounts_with_the_other_key(house: House) -> None:
    first, account_id = await house.key(house.tenant)
    _, admin = await house.people.join(house.tenant.id, "Admin")
    session = await house.own.open()

    rotated = (await admin.http.post(f"/public-api/api-keys/{first}/rotate")).json()["data"]
    said = await house.people.client(rotated["key"]).say(session, "Hello")

    assert (
        await house.stored(said["chat_turn_id"])
        == [("service_account", account_id, house.tenant.id, UUID(rotated["id"]))] * 2
    )


async def test_a_technicians_message_names_the_person_and_no_credential(house: House) -> None:
    person, technician = await house.people.join(house.tenant.id, "User")
    session = await technician.open()

    said = await technician.say(session, "Hello")

    assert await house.stored(said["chat_turn_id"]) == [("technician", person, house.tenant.id, None)] * 2
    assert await shown(technician, session) == [{"kind": "TECHNICIAN", "id": str(person), "name": "A User"}]
    assert await shown(house.own, session) == await shown(technician, session)


@pytest.mark.parametrize(
    ("named", "name"),
    [
        ({"end_user": "Zoë", "end_user_email": "zoe@example.com"}, "Zoë"),
        ({"end_user_email": "zoe@example.com"}, "zoe@example.com"),
        ({}, None),
    ],
)
async def test_an_end_users_message_names_the_token_and_no_account(
    house: House, named: dict[str, str], name: str | None
) -> None:
    session = await house.own.open()
    jti, end_user = await house.end_user(house.own, session, **named)

    said = await end_user.say(session, "Hello")

    assert await house.stored(said["chat_turn_id"]) == [("end_user", None, house.tenant.id, jti)] * 2
    for reader in (house.own, end_user):
        assert await shown(reader, session) == [{"kind": "END_USER", "id": None, "name": name}]


async def test_a_relayed_message_names_the_platforms_account_to_the_platform_only(house: House) -> None:
    key_id, account_id = await house.key(house.platform)
    session = await house.relayed(**{"x-neo-end-user": quote("Zoë Ünal")})

    said = await house.relay.say(session, "Hello")

    assert (
        await house.stored(said["chat_turn_id"]) == [("platform", account_id, house.platform.id, key_id)] * 2
    )
    assert await shown(house.relay, session) == [
        {"kind": "PLATFORM", "id": str(account_id), "name": "Zoë Ünal"}
    ]
    _, admin = await house.people.join(house.tenant.id, "Admin")
    for reader in (house.own, admin):
        assert await shown(reader, session) == [{"kind": "PLATFORM", "id": None, "name": "Zoë Ünal"}]


async def test_a_tenant_never_reads_an_id_of_the_platforms(house: House) -> None:
    key_id, account_id = await house.key(house.platform)
    session = await house.relayed()
    turn = (await house.relay.say(session, "Hello"))["chat_turn_id"]
    _, end_user = await house.end_user(house.relay, session)
    await end_user.say(session, "Hello")

    paths = [f"{SESSIONS}/{session}", f"{SESSIONS}/{session}/messages", f"{SESSIONS}/{session}/turns/{turn}"]
    answers = [await house.own.http.get(path) for path in [*paths, "/public-api/audit-log"]]

    assert [answer.status_code for answer in answers] == [200] * 4
    for answer in answers:
        assert not [one for one in (key_id, account_id, house.platform.id) if str(one) in answer.text]


async def test_the_platform_never_reads_an_id_or_a_name_of_the_tenants_accounts(house: House) -> None:
    session = await house.relayed()
    await house.own.say(session, "Hello")

    assert await shown(house.relay, session) == [{"kind": "SERVICE_ACCOUNT", "id": None, "name": None}]


async def test_an_end_user_learns_of_accounts_only_what_they_are(house: House) -> None:
    _, technician = await house.people.join(house.tenant.id, "User")
    session = await technician.open()
    _, end_user = await house.end_user(technician, session, end_user="Zoë")

    await technician.say(session, "I look into it")
    await end_user.say(session, "Thank you")

    assert await shown(end_user, session) == [
        {"kind": "TECHNICIAN", "id": None, "name": None},
        {"kind": "END_USER", "id": None, "name": "Zoë"},
    ]


async def test_a_reply_has_no_author_and_neither_has_a_message_of_before(house: House) -> None:
    session = await house.own.open()
    said = await house.own.say(session, "Hello")
    await house.own.ended(session, said["chat_turn_id"])

    asked, answered = (await house.own.messages(session))["messages"]
    await house.forget_who_asked()

    assert (asked["metadata"]["author"] is None, answered["metadata"]["author"]) == (False, None)
    assert await shown(house.own, session) == [None]
    assert (await house.own.turn(session, said["chat_turn_id"]))["author"] is None


async def test_what_cancels_a_turn_is_told_who_asked(house: House) -> None:
    session = await house.own.open()
    said = await house.own.say(session, "Hello")

    answer = await house.own.http.post(f"{SESSIONS}/{session}/turns/{said['chat_turn_id']}/cancel")

    assert answer.json()["data"]["author"]["kind"] == "SERVICE_ACCOUNT"
