"""What is stored is ciphertext, and opens as itself or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from neo.vault import Secret, SecretKeyWrapping, SecretStore, SecretUnreadable
from support.rows import Rows

OLD, NEW = ("an old secret of at least 32 characters", "a new secret of at least 32 characters")
BEARER, HEADER = "test.bearer", "test.header"
ONE, OTHER = "canary-of-the-first-row", "canary-of-the-other-row"


async def kept(rows: Rows, tenant: UUID, plain: str, *, purpose: str = BEARER, key: str = OLD) -> UUID:
    async with rows.database.transaction(tenant) as db:
        return await SecretStore(db, tenant, SecretKeyWrapping((key,))).add(purpose, Secret(plain))


async def opened(rows: Rows, tenant: UUID, secret_id: UUID, purpose: str = BEARER, *keys: str) -> str:
    async with rows.database.transaction(tenant) as db:
        store = SecretStore(db, tenant, SecretKeyWrapping(keys or (OLD,)))
        return (await store.open(secret_id, purpose)).reveal()


async def owner_does(rows: Rows, tenant: UUID, *statements: str, **values: Any) -> None:
    async with rows.owner.transaction(tenant) as db:
        for statement in statements:
            named = {name: value for name, value in values.items() if f":{name}" in statement}
            await db.execute(text(statement), named)


async def test_a_secret_is_replaced_and_deleted_by_its_id(rows: Rows) -> None:
    tenant = (await rows.tenant()).id
    secret_id = await kept(rows, tenant, ONE)
    first = await opened(rows, tenant, secret_id)
    async with rows.database.transaction(tenant) as db:
        store = SecretStore(db, tenant, SecretKeyWrapping((OLD,)))
        await store.replace(secret_id, BEARER, Secret(OTHER))
        with pytest.raises(SecretUnreadable):
            await store.replace(secret_id, HEADER, Secret(OTHER))
    second = await opened(rows, tenant, secret_id)
    async with rows.database.transaction(tenant) as db:
        await SecretStore(db, tenant, SecretKeyWrapping((OLD,))).delete(secret_id)

    assert (first, second) == (ONE, OTHER)
    with pytest.raises(SecretUnreadable):
        await opened(rows, tenant, secret_id)


async def test_what_is_stored_has_neither_the_secret_nor_a_key(rows: Rows) -> None:
    tenant = (await rows.tenant()).id
    await kept(rows, tenant, ONE)
    await kept(rows, tenant, ONE)

    async with rows.database.transaction(tenant) as db:
        stored = (await db.execute(text("SELECT sealed, secrets::text FROM secrets"))).all()
        keys = (await db.execute(text("SELECT wrapped, data_keys::text FROM data_keys"))).all()

    # Each with a nonce of its own, under one key, which is longer by its nonce and its tag.
    assert len({row.sealed for row in stored}) == 2
    assert [len(row.wrapped) for row in keys] == [1 + 12 + 32 + 16]
    for said in (*stored, *keys):
        assert ONE.encode() not in said[0]
        assert ONE not in said[1]
        assert ONE.encode().hex() not in said[1]


async def test_the_first_secrets_of_the_same_moment_share_a_key(rows: Rows) -> None:
    tenant = (await rows.tenant()).id

    made = await asyncio.gather(*(kept(rows, tenant, f"{ONE}-{number}") for number in range(4)))

    assert [await opened(rows, tenant, one) for one in made] == [f"{ONE}-{number}" for number in range(4)]


SWAP_ROWS = (
    "UPDATE secrets s SET sealed = o.sealed FROM secrets o WHERE s.id <> o.id AND s.tenant_id = o.tenant_id"
)
TAMPERED: dict[str, list[str]] = {
    "two rows are swapped": [SWAP_ROWS],
    "a row gets another one's id": [
        "DELETE FROM secrets WHERE id = :id", "UPDATE secrets SET id = :id WHERE id = :other"
    ],
    "a bit of the ciphertext flips": ["UPDATE secrets SET sealed = set_bit(sealed, 300, 1 - get_bit(sealed, 300))"],
    "the nonce is another": ["UPDATE secrets SET sealed = set_byte(sealed, 1, (get_byte(sealed, 1) + 1) % 256)"],
    "the layout is another": ["UPDATE secrets SET sealed = set_byte(sealed, 0, 2)"],
    "it is cut off": ["UPDATE secrets SET sealed = substring(sealed FROM 1 FOR 20)"],
    "it is empty": ["UPDATE secrets SET sealed = ''"],
    "a bit of the data key flips": ["UPDATE data_keys SET wrapped = set_bit(wrapped, 300, 1 - get_bit(wrapped, 300))"],
    "the data key says that another key has wrapped it": ["UPDATE data_keys SET wrapped_by = 'other'"],
    "the data key is of another version": [
        (
            "INSERT INTO data_keys (tenant_id, version, wrapped_by, wrapped) "
            "SELECT tenant_id, 2, wrapped_by, wrapped FROM data_keys WHERE tenant_id = :of"
        ),
        "UPDATE secrets SET key_version = 2",
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
async def test_what_was_changed_in_the_database_is_unreadable(rows: Rows, case: str) -> None:
    tenant = (await rows.tenant()).id
    secret_id, other = await kept(rows, tenant, ONE), await kept(rows, tenant, OTHER)
    assert await opened(rows, tenant, secret_id) == ONE

    await owner_does(rows, tenant, *TAMPERED[case], id=secret_id, other=other, of=tenant)

    await refused(lambda: opened(rows, tenant, secret_id), tenant, secret_id)


async def refused(opening: Callable[[], Awaitable[str]], tenant: UUID, secret_id: UUID) -> None:
    """Unreadable, and the operator's log says which, and nothing of what is in it."""
    with capture_logs() as logged, pytest.raises(SecretUnreadable) as failure:
        await opening()

    said = [(line["event"], line["tenant_id"], line["secret_id"]) for line in logged]
    assert said == [("secret_unreadable", str(tenant), str(secret_id))]
    assert "canary" not in f"{logged} {failure.value!r} {failure.value.__cause__!r}"


async def test_another_purpose_or_a_row_that_says_so_is_unreadable(rows: Rows) -> None:
    tenant = (await rows.tenant()).id
    secret_id = await kept(rows, tenant, ONE)

    await refused(lambda: opened(rows, tenant, secret_id, HEADER), tenant, secret_id)
    await owner_does(rows, tenant, f"UPDATE secrets SET purpose = '{HEADER}'")
    await refused(lambda: opened(rows, tenant, secret_id, HEADER), tenant, secret_id)


async def test_another_tenants_row_is_unreadable(rows: Rows) -> None:
    tenant, thief = (await rows.tenant()).id, (await rows.tenant()).id
    secret_id = await kept(rows, tenant, ONE)
    await kept(rows, thief, OTHER)

    # Hidden by its policy; and whoever gets past that, by a dump say, has it bound to its tenant.
    await refused(lambda: opened(rows, thief, secret_id), thief, secret_id)
    async with rows.database.transaction(tenant) as db:
        sealed = await db.scalar(text("SELECT sealed FROM secrets WHERE id = :id"), {"id": secret_id})
        wrapped = (await db.execute(text("SELECT wrapped, wrapped_by FROM data_keys"))).one()
        await db.execute(text("DELETE FROM secrets"))
    await owner_does(
        rows, thief, "UPDATE secrets SET id = :id, sealed = :sealed", id=secret_id, sealed=sealed
    )
    await refused(lambda: opened(rows, thief, secret_id), thief, secret_id)
    await owner_does(rows, thief, "UPDATE data_keys SET wrapped = :wrapped", wrapped=wrapped.wrapped)
    await refused(lambda: opened(rows, thief, secret_id), thief, secret_id)


async def test_each_value_of_the_servers_secret_opens_and_the_first_one_seals(rows: Rows) -> None:
    old, new = (await rows.tenant()).id, (await rows.tenant()).id
    first, second = await kept(rows, old, ONE), await kept(rows, new, OTHER, key=NEW)

    assert await opened(rows, old, first, BEARER, NEW, OLD) == ONE
    assert await opened(rows, new, second, BEARER, NEW, OLD) == OTHER
    await refused(lambda: opened(rows, old, first, BEARER, NEW), old, first)


@pytest.mark.parametrize("purpose", ["", "Bearer", "a b", "x" * 101])
async def test_a_purpose_is_a_plain_word(rows: Rows, purpose: str) -> None:
    tenant = await rows.tenant()

    with pytest.raises(ValueError, match="no purpose"):
        await kept(rows, tenant.id, ONE, purpose=purpose)


async def test_a_secret_that_is_not_there_is_unreadable(rows: Rows) -> None:
    tenant, nowhere = (await rows.tenant()).id, uuid4()

    await refused(lambda: opened(rows, tenant, nowhere), tenant, nowhere)
