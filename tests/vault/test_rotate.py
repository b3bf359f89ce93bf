"""A rotation may be ended at any moment while secrets are read and written, and goes on where it was."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from cli.doctor.ward import Ward, ward_at
from cli.neo_command import Ended, neo
from neo.agents import create_tenant
from neo.cli.doctor.findings import State
from neo.cli.doctor.tenants.secrets import check_secrets
from neo.kit.failpoint import KILLED
from neo.vault import Secret, SecretKeyWrapping, SecretStore, SecretUnreadable, renew, rewrap
from neo.vault.rotate import BATCH

OLD, NEW = "an old secret of at least 32 characters", "a new secret of at least 32 characters"
BOTH = SecretKeyWrapping((NEW, OLD))
ONLY_OLD, ONLY_NEW = SecretKeyWrapping((OLD,)), SecretKeyWrapping((NEW,))
PURPOSE = "test.bearer"
AT_ONCE = timedelta(0)
Kept = dict[tuple[UUID, UUID], str]


@pytest.fixture(scope="module")
async def ward(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ward]:
    async with ward_at(tmp_path_factory.mktemp("rotated") / "data") as found:
        yield found


@pytest.fixture
async def kept(ward: Ward) -> Kept:
    """Two tenants, one of them with secrets for two batches, and nobody else's. Their data keys are a day old."""
    async with ward.bare.owner.without_tenant() as owner:
        known = (await owner.scalars(text("SELECT DISTINCT tenant_id FROM data_keys"))).all()
    for tenant in known:
        async with ward.bare.owner.transaction(tenant) as db:
            await db.execute(text("DELETE FROM secrets"))
            await db.execute(text("DELETE FROM data_keys"))
    made: Kept = {}
    for secrets in (1, BATCH + 1):
        tenant = await create_tenant(ward.bare.owner, "A tenant")
        made |= await added(ward, tenant, ONLY_OLD, secrets=secrets)
        async with ward.bare.owner.transaction(tenant) as db:
            await db.execute(text("UPDATE data_keys SET created_at = now() - interval '25 hours'"))
    return made


async def added(ward: Ward, tenant: UUID, wrapping: SecretKeyWrapping, *, secrets: int) -> Kept:
    made: Kept = {}
    async with ward.bare.database.transaction(tenant) as db:
        store = SecretStore(db, tenant, wrapping)
        for _ in range(secrets):
            plain = uuid4().hex
            made[tenant, await store.add(PURPOSE, Secret(plain))] = plain
    return made


async def opened(ward: Ward, asked: Sequence[tuple[UUID, UUID]], wrapping: SecretKeyWrapping) -> Kept:
    found: Kept = {}
    for tenant in {tenant for tenant, _ in asked}:
        async with ward.bare.database.transaction(tenant) as db:
            store = SecretStore(db, tenant, wrapping)
            for of, secret_id in asked:
                if of == tenant:
                    found[of, secret_id] = (await store.open(secret_id, PURPOSE)).reveal()
    return found


async def keys(ward: Ward) -> list[tuple[int, int]]:
    """Each tenant's number of data keys, and which one is the newest."""
    async with ward.bare.owner.without_tenant() as owner:
        counted = "SELECT count(*), max(version) FROM data_keys GROUP BY tenant_id"
        return [tuple(row) for row in await owner.execute(text(counted))]


async def rotated(
    ward: Ward, *options: str, secret: str = f"{NEW},{OLD}", points: Path | None = None
) -> Ended:
    environment = {**ward.environment(), "NEO_SECRET_KEY": secret}
    if points is not None:
        environment["NEO_FAILPOINTS"] = str(points)
    return await neo("secrets", "rotate", *options, **environment)


async def test_the_old_value_is_needed_until_the_data_keys_are_wrapped_anew(ward: Ward, kept: Kept) -> None:
    owner = ward.bare.owner
    before, alone = await check_secrets(owner, BOTH), await check_secrets(owner, ONLY_NEW)

    first, again = await rotated(ward), await rotated(ward)

    assert [finding.state for finding in (*before, *alone)] == [State.WARNING, State.PROBLEM]
    assert before[0].said.startswith(f"{len(kept)} secrets of 2 tenants (")
    assert "has to stay" in before[0].said
    assert all(str(tenant) in before[0].said for tenant, _ in kept)
    assert "cannot be read" in alone[0].said
    assert (first.code, first.out.splitlines()[-1]) == (0, "2 data keys wrapped anew.")
    assert (again.code, again.out) == (0, "0 data keys wrapped anew.\n")
    assert [finding.state for finding in await check_secrets(owner, ONLY_NEW)] == [State.OK]
    assert (await ward.by_command())["secrets"][0].state is State.PROBLEM
    assert await opened(ward, list(kept), ONLY_NEW) == kept


async def test_a_rotation_that_is_killed_wherever_it_is_goes_on(
    ward: Ward, kept: Kept, tmp_path: Path
) -> None:
    deaths = 0
    while True:
        (tmp_path / "after_rotation_commit").write_text("exit")
        ended = await rotated(ward, "--data-keys", points=tmp_path)
        if ended.code == 0:
            break
        assert ended.code == KILLED
        assert await opened(ward, list(kept), BOTH) == kept
        deaths += 1

    # Two keys wrapped, two made, and one and two batches sealed.
    assert deaths >= 2 + 2 + 1 + 2
    assert await keys(ward) == [(1, 2), (1, 2)]
    assert await opened(ward, list(kept), ONLY_NEW) == kept


async def test_data_keys_that_are_young_stay_unless_all_are_to_go(ward: Ward, kept: Kept) -> None:
    old = await rotated(ward, "--data-keys")
    young = await rotated(ward, "--data-keys")
    between = await keys(ward)
    every = await rotated(ward, "--data-keys", "--older-than-hours", "0")

    last = [ended.out.splitlines()[-1] for ended in (old, young, every)]
    all_of_them = f"{len(kept)} secrets sealed anew."
    assert last == [all_of_them, "0 secrets sealed anew.", all_of_them]
    assert (between, await keys(ward)) == ([(1, 2), (1, 2)], [(1, 3), (1, 3)])
    assert await opened(ward, list(kept), ONLY_NEW) == kept


async def test_secrets_are_opened_added_and_replaced_while_all_is_rotated(ward: Ward, kept: Kept) -> None:
    asked = list(kept)
    done, rounds = asyncio.Event(), list[None]()
    written: Kept = {}

    async def read() -> None:
        while not done.is_set():
            assert await opened(ward, asked[:20], BOTH) == {one: kept[one] for one in asked[:20]}
            rounds.append(None)

    async def write() -> None:
        while not done.is_set():
            tenant, secret_id = asked[-1 - len(written) % 50]
            written.update(await added(ward, tenant, BOTH, secrets=1))
            plain = uuid4().hex
            async with ward.bare.database.transaction(tenant) as db:
                await SecretStore(db, tenant, BOTH).replace(secret_id, PURPOSE, Secret(plain))
            written[tenant, secret_id] = plain

    async def rotate() -> None:
        async for _ in rewrap(ward.bare.owner, BOTH):
            pass
        for _ in range(2):
            async for _ in renew(ward.bare.owner, BOTH, AT_ONCE):
                pass
        done.set()

    async with asyncio.TaskGroup() as group:
        for work in (read, write, rotate):
            group.create_task(work())

    assert rounds
    assert written
    assert await keys(ward) == [(1, 3), (1, 3)]
    assert await opened(ward, [*asked, *written], ONLY_NEW) == {**kept, **written}


async def test_what_is_being_sealed_when_a_new_key_is_made_is_sealed_anew(ward: Ward, kept: Kept) -> None:
    tenant, _ = next(iter(kept))

    async def rotate() -> None:
        async for _ in renew(ward.bare.owner, BOTH, AT_ONCE):
            pass

    async with ward.bare.database.transaction(tenant) as db:
        secret_id = await SecretStore(db, tenant, ONLY_OLD).add(PURPOSE, Secret("being-sealed"))
        rotation = asyncio.create_task(rotate())
        while not await waits_for_a_lock(ward):
            await asyncio.sleep(0.01)
        assert not rotation.done()
    await rotation

    assert await keys(ward) == [(1, 2), (1, 2)]
    assert await opened(ward, [(tenant, secret_id)], ONLY_NEW) == {(tenant, secret_id): "being-sealed"}


async def waits_for_a_lock(ward: Ward) -> bool:
    async with ward.bare.database.without_tenant() as connection:
        asked = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
        return bool(await connection.scalar(text(asked)))


async def test_what_cannot_be_opened_stays_as_it_is_and_is_said(ward: Ward, kept: Kept) -> None:
    lost = await create_tenant(ward.bare.owner, "Whose key is gone")
    foreign = SecretKeyWrapping(("a third secret of at least 32 characters",))
    lost_one = await added(ward, lost, foreign, secrets=1)
    (tenant, broken), *others = kept
    async with ward.bare.database.transaction(tenant) as db:
        await db.execute(text("UPDATE secrets SET sealed = sealed || 'x' WHERE id = :id"), {"id": broken})

    ended = await rotated(ward, "--data-keys")

    assert ended.code == 1
    # The data key of one tenant; the secret that it has, which is not tried, and the broken one stay.
    assert ended.stderr.count("1 could not be opened (secret_unreadable)") == 2
    assert await opened(ward, others, ONLY_NEW) == {one: kept[one] for one in others}
    assert await opened(ward, list(lost_one), foreign) == lost_one
    assert sorted(await keys(ward)) == [(1, 1), (1, 2), (2, 2)]
    with pytest.raises(SecretUnreadable):
        await opened(ward, [(tenant, broken)], BOTH)
