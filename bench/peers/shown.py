"""The peers' section of RESULTS.md: a row each, medians over the rounds."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from statistics import median

from bench.event_counter import characters_of
from bench.figures import aligned, percentile
from bench.load import Load
from bench.parts import by_part
from bench.peers.peer import Peer
from bench.peers.trial import Trial

HEADINGS = (
    *("server", "up s", "1 user: first ms", "end ms p50 / p95", "64 users: turns/s", "first ms p50"),
    *("CPU ms a turn", "200 users, 10 ms a token: end ms p50 / p99", "memory MiB", "turns lost or short"),
)
TITLE = "## PEERS: Neo beside others, in the same minutes\n\n"
SAYING = (
    "{when} UTC, {rounds} rounds, interleaved. An instant model of 50 tokens for 1 and 64 users; for 200 users "
    "10 ms a token, ideally 500 ms. CPU and memory are of all processes of a server, databases included."
)


def shown(trials: Sequence[Trial], peers: Sequence[Peer], left_out: Mapping[str, str], rounds: int) -> str:
    notes = {"neo": "PostgreSQL, Valkey and Temporal; durable", **{peer.name: peer.note for peer in peers}}
    names = [name for name in notes if any(trial.name == name for trial in trials)]
    lines = [_row([trial for trial in trials if trial.name == name]) for name in names]
    said = [f"- **{name}**: {notes[name]}. {_cpu(trials, name)}" for name in names]
    missing = [f"- **{name}** is left out: it {why}" for name, why in left_out.items()]
    saying = SAYING.format(when=f"{datetime.now(UTC):%Y-%m-%d %H:%M}", rounds=rounds)
    grid = aligned([HEADINGS, *lines], numbers=range(1, 10))
    return f"{TITLE}{saying}\n\n{grid}\n\n" + "\n".join([*said, *missing]) + "\n"


def _row(trials: Sequence[Trial]) -> tuple[str, ...]:
    ones, many, slow = ([getattr(trial, name) for trial in trials] for name in ("one", "many", "slow"))
    cpu = [
        sum(trial.many_cost.cpu_seconds.values()) * 1000 / max(len(trial.many.turns), 1) for trial in trials
    ]
    return (
        trials[0].name,
        f"{median(trial.up_seconds for trial in trials):.1f}",
        _at(ones, "first_ms", 0.5),
        f"{_at(ones, 'end_ms', 0.5)} / {_at(ones, 'end_ms', 0.95)}",
        f"{median(load.per_second for load in many):.0f}",
        _at(many, "first_ms", 0.5),
        f"{median(cpu):.1f}",
        f"{_at(slow, 'end_ms', 0.5)} / {_at(slow, 'end_ms', 0.99)}",
        f"{median(sum(trial.memory.values()) for trial in trials):.0f}",
        str(
            sum(sum(load.refused.values()) + load.short(characters_of(50)) for load in [*ones, *many, *slow])
        ),
    )


def _at(loads: Sequence[Load], name: str, share: float) -> str:
    values = list(chain.from_iterable((getattr(turn, name) for turn in load.turns) for load in loads))
    return f"{percentile(values, share):.1f}" if values else "none"


def _cpu(trials: Sequence[Trial], name: str) -> str:
    [*_, last] = [trial for trial in trials if trial.name == name]
    each = {
        part: spent * 1000 / max(len(last.many.turns), 1)
        for part, spent in last.many_cost.cpu_seconds.items()
    }
    return f"CPU ms a turn: {by_part(each)}."
