"""What a turn cost is stored as it settles, and is not known where the price of a part of it is not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from neo.llm import ChosenModel, Models, ModelSpec, Price, ProviderSettings, Tier
from neo.turns.end import Ending, TurnEnder
from neo.turns.leases.driver import Outcome
from neo.turns.models import TurnStatus
from turns.conftest import Engines
from turns.driving import Process
from turns.stage import MODEL, Stage, call_row, calls_segment, done, input_of

PRICE = Price(input=Decimal("2.50"), output=Decimal(10), cached=Decimal("0.25"))


class Priced(Models):
    """The models of a list that names a price for each."""

    def choose(self, tier: Tier, agent_model: str | None, reasoning_effort: str | None) -> ChosenModel:
        return replace(super().choose(tier, agent_model, reasoning_effort), price=PRICE)


@pytest.fixture
async def priced(engines: Engines) -> AsyncIterator[Process]:
    spec = ModelSpec.parse(MODEL)
    models = Priced(spec, spec, ProviderSettings(scripted_model_url=engines.scripted_url))
    process = Process(engines.database, engines.valkey, models)
    yield process
    await process.aclose()
    await models.aclose()


def cost_of(row: Any) -> Decimal:
    tokens = {name: getattr(row, name) for name in ("input_tokens", "output_tokens", "cached_tokens")}
    cost = PRICE.cost(**tokens)
    assert cost is not None
    return cost


async def test_the_segments_costs_add_up(stage: Stage, priced: Process) -> None:
    here = await stage.another("scripted:tokens=3,tool=look_up,rounds=2")
    task = await here.claimed()

    assert await priced.drive(task) is Outcome.ENDED

    ended, segments = await here.turn(task.turn), await here.segments(task.turn)
    costs = [segment.cost for segment in segments if segment.kind == "MODEL"]
    assert len(costs) == 3
    assert ended.cost == sum(cost for cost in costs if cost is not None) == cost_of(ended)
    assert ended.cost > 0
    _, terminal = (await here.streamed())[-1]
    assert Decimal(terminal["messageMetadata"]["usage"]["cost"]) == ended.cost


async def test_without_a_price_the_cost_is_not_known(stage: Stage, process: Process) -> None:
    task = await stage.claimed()

    assert await process.drive(task) is Outcome.ENDED

    ended = await stage.turn(task.turn)
    assert (ended.cost, ended.output_tokens) == (None, 5)
    _, terminal = (await stage.streamed())[-1]
    assert terminal["messageMetadata"]["usage"]["cost"] is None


@pytest.mark.parametrize(
    ("first", "second", "known"),
    [
        ((10, "0.5"), (5, "0.00000025"), "0.50000025"),
        ((10, None), (5, "0.5"), None),
        ((10, "0.5"), (5, None), None),
        ((10, None), (5, None), None),
        # Of an answer that was cut short no tokens are known, nor what they cost.
        ((10, "0.5"), (None, None), "0.5"),
        ((None, None), (None, None), None),
        ((2**31 - 1, "5368.7"), (2**31 - 1, "5368.7"), "10737.4"),
    ],
)
async def test_a_part_that_has_no_price_leaves_the_whole_unknown(
    stage: Stage,
    first: tuple[int | None, str | None],
    second: tuple[int | None, str | None],
    known: str | None,
) -> None:
    task, call = await stage.claimed(), call_row()
    said = [
        {"kind": "MODEL", "last_n": 4, "input_tokens": tokens, "cost": cost}
        for tokens, cost in (first, second)
    ]
    await stage.settle(task, said[0], planned=[call])
    task.turn.segment, task.turn.claim = 2, 1
    await stage.settle(task, calls_segment(), done=[done(call)])

    ending = Ending(TurnStatus.COMPLETED, 3, 1, 7, last=said[1], record={"finish_reason": "stop"})
    ended = await TurnEnder(stage.database, stage.events).end(input_of(task.turn), ending)

    assert ended.cost == (None if known is None else Decimal(known))
