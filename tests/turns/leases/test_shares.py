"""Whose turn several processes claim next, whatever one tenant has waiting: random courses against the rules."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from neo.chat.posting.draft import Draft
from neo.chat.posting.storing import Storage, Submission
from neo.turns.leases.places import Places
from neo.turns.leases.runner import CLAIMS_MAX
from turns.stage import Stage

pytestmark = pytest.mark.usefixtures("alone")

QUEUED = 500
PLACES, RESERVED = 8, 1
PROCESSES, QUIET, STEPS = 3, 5, 80
# Longer than the test.
LEASE = timedelta(hours=1)
FLOOD = text("""
WITH opened AS (
    INSERT INTO chat_sessions (id, tenant_id, account_id, agent_id, channel, last_turn_no)
    SELECT gen_random_uuid(), :tenant, :tenant, (SELECT min(id) FROM agents), 'API', 1 FROM generate_series(1, :count)
    RETURNING id
), turned AS (
    INSERT INTO chat_turns
        (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, claimable_at)
    SELECT gen_random_uuid(), :tenant, id, 1, 'FAST', gen_random_uuid(), gen_random_uuid(), now() - interval '1 minute'
    FROM opened RETURNING *
)
INSERT INTO chat_messages (id, tenant_id, session_id, turn_id, position, role, parts)
SELECT user_message_id, :tenant, session_id, id, neo_message_position(1, 'user'), 'user', '[]' FROM turned
""")
STANDING = text("""
SELECT tenant_id, count(*) FILTER (WHERE lease_id IS NOT NULL), count(*) FILTER (WHERE lease_id IS NULL)
FROM chat_turns WHERE claimable_at IS NOT NULL GROUP BY tenant_id
""")
ENDED = text(
    "UPDATE chat_turns SET status = 'COMPLETED', lease_id = NULL, claimable_at = NULL, ended_at = now() WHERE id = :id"
)


async def flood(stage: Stage, count: int = QUEUED) -> None:
    async with stage.database.transaction(stage.tenant_id) as db:
        await db.execute(FLOOD, {"tenant": stage.tenant_id, "count": count})


@dataclass
class Machine:
    """One process that runs turns."""

    stage: Stage
    places: Places = field(default_factory=lambda: Places(PLACES, RESERVED / PLACES))
    driven: list[tuple[UUID, UUID]] = field(default_factory=list)

    def held_by(self, tenant_id: UUID) -> int:
        return sum(tenant == tenant_id for tenant, _ in self.driven)

    async def claim(self) -> list[UUID]:
        """One look, as the runner makes it; whose turns were claimed."""
        with self.places.reserved(CLAIMS_MAX) as wanted:
            if not wanted:
                return []
            without = self.places.full_tenants
            rows = await self.stage.database.call("neo_claim_turns", wanted, LEASE, False, without, None)
            for row in rows:
                self.drive(UUID(str(row["tenant_id"])), UUID(str(row["id"])), has_place=False)
        return [UUID(str(row["tenant_id"])) for row in rows]

    def drive(self, tenant_id: UUID, turn_id: UUID, *, has_place: bool) -> None:
        if len(self.driven) >= PLACES - RESERVED:
            assert not self.held_by(tenant_id), "The last places are for tenants that hold none."
        assert len(self.driven) < PLACES
        if not has_place:
            self.places.add(tenant_id)
        self.driven.append((tenant_id, turn_id))


@dataclass
class Course:
    loud: Stage
    quiet: list[Stage]
    machines: list[Machine]
    chance: random.Random
    ever: set[UUID] = field(default_factory=set)

    async def standing(self) -> tuple[Counter[UUID], Counter[UUID]]:
        """The leases and the claimable turns of each tenant."""
        async with self.loud.owner.without_tenant() as owner:
            rows = (await owner.execute(STANDING)).all()
        return Counter({row[0]: row[1] for row in rows}), Counter({row[0]: row[2] for row in rows})

    async def look(self) -> None:
        machine = self.chance.choice(self.machines)
        leases, waiting = await self.standing()
        full = set(machine.places.full_tenants)
        ranks = sorted(
            leases[tenant] + place
            for tenant, count in waiting.items()
            if tenant not in full
            for place in range(min(count, CLAIMS_MAX))
        )

        claimed = await machine.claim()

        taken = sorted(
            leases[tenant] + place for tenant, count in Counter(claimed).items() for place in range(count)
        )
        assert taken == ranks[: len(taken)], "Those with the fewest leases come first."
        has_room = len(machine.driven) - len(claimed) < PLACES
        assert claimed or not (ranks and has_room), "Nobody waits while there is a place."

    async def look_at_once(self) -> None:
        await asyncio.gather(*(machine.claim() for machine in self.machines))

    async def post(self) -> None:
        """A quiet tenant says something, where one of the processes accepts it."""
        stage, machine = self.chance.choice(self.quiet), self.chance.choice(self.machines)
        _, waiting = await self.standing()
        if await stage.value("SELECT count(*) FROM chat_turns WHERE status IN ('QUEUED', 'RUNNING')"):
            return
        is_placed = machine.places.take(stage.tenant_id)
        row = Submission(stage.tenant_id, stage.session_id, Draft("Hello", "FAST", None)).row(
            9, is_claimed=is_placed
        )
        row["lease"] = f"{LEASE.total_seconds()} seconds"
        stored = await Storage(stage.database).store(row)
        assert stored is not None
        if stored["claimed"] and stored["claimed"]["id"]:
            assert not waiting.total(), "Who comes later does not go first."
            machine.drive(stage.tenant_id, UUID(str(stored["turn_id"])), has_place=True)
        elif is_placed:
            machine.places.give_back(stage.tenant_id)

    async def end(self) -> None:
        machine = self.chance.choice(self.machines)
        if machine.driven:
            tenant_id, turn_id = machine.driven.pop(self.chance.randrange(len(machine.driven)))
            async with self.loud.database.transaction(tenant_id) as db:
                await db.execute(ENDED, {"id": turn_id})
            machine.places.give_back(tenant_id)

    def check(self) -> None:
        driven = [turn_id for machine in self.machines for _, turn_id in machine.driven]
        assert len(driven) == len(set(driven)), "A turn is driven once."
        for machine in self.machines:
            assert machine.places.free == PLACES - len(machine.driven)


@pytest.mark.parametrize("seed", [1, 2])
async def test_claims_obey_the_shares_whatever_one_tenant_has_waiting(stage: Stage, seed: int) -> None:
    quiet = [await stage.neighbour() for _ in range(QUIET)]
    machines = [Machine(stage) for _ in range(PROCESSES)]
    for machine in machines:
        machine.places.open()
    course = Course(stage, quiet, machines, random.Random(seed))
    await flood(stage)

    for _ in range(STEPS):
        # There is more to do than can be done.
        step = course.chance.choice([course.look, course.look, course.look_at_once, course.post, course.end])
        await step()
        course.check()

    for machine in machines:
        while await machine.claim():
            course.check()
        assert len(machine.driven) >= PLACES - RESERVED
