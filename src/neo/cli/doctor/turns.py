"""The invariants of turns, checked with the owner's role, which sees every tenant's."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neo.cli.doctor.findings import Finding, fine, problem
from neo.cli.doctor.repair import Repair, broken_ids
from neo.cli.doctor.repair_turns import (
    count_turns,
    end_stopped_turns,
    give_reasons,
    set_end_times,
    start_turns,
)

if TYPE_CHECKING:
    from neo.db import Database

LOOK_AT_SERVER = "look into the server's log, with this id"
LOOK_AT_WORKER = "look whether a worker runs and Temporal answers"
REPORT = "report it with this id; no turn should ever be like this"


@dataclass(frozen=True)
class Invariant:
    """`broken` selects the `id` of what violates it. It has no `repair` where the cause must be understood first."""

    name: str
    fine: str
    breaks: str
    broken: str
    next_step: str
    repair: Repair | None = None


INVARIANTS = (
    Invariant(
        "one turn at a time",
        "No session runs two turns.",
        "sessions run two turns",
        """
        SELECT session_id AS id FROM chat_turns WHERE status = 'RUNNING' GROUP BY session_id HAVING count(*) > 1
        """,
        REPORT,
    ),
    # A queued turn is next once the turn before it has ended; the sweeper starts what nobody else has, within seconds.
    Invariant(
        "queued turns start",
        "No turn has been next for over 30 s.",
        "turns have been next in their session for over 30 s",
        """
        SELECT t.id FROM chat_turns t WHERE t.status = 'QUEUED'
          AND NOT EXISTS (SELECT 1 FROM chat_turns e WHERE e.session_id = t.session_id
            AND e.turn_no < t.turn_no AND e.status IN ('QUEUED', 'RUNNING'))
          AND greatest(t.created_at, (SELECT max(e.ended_at) FROM chat_turns e
            WHERE e.session_id = t.session_id AND e.turn_no < t.turn_no)) < now() - interval '30 seconds'
        """,
        LOOK_AT_WORKER,
        Repair("start them", start_turns),
    ),
    # A model's answer is cut off after ten minutes; five more are for failed attempts.
    Invariant(
        "running turns end",
        "No turn has been running for over 15 minutes.",
        "turns have been running for over 15 minutes",
        "SELECT id FROM chat_turns WHERE status = 'RUNNING' AND started_at < now() - interval '15 minutes'",
        LOOK_AT_WORKER,
        Repair("start them again, or end them where Temporal will not", start_turns),
    ),
    # A worker stops the turn within a second; when the worker is gone, the sweeper ends it within ten.
    Invariant(
        "stopped turns end",
        "No turn has been running for over 30 s since it was cancelled.",
        "turns have been running for over 30 s since they were cancelled",
        """
        SELECT id FROM chat_turns WHERE status = 'RUNNING' AND cancel_requested_at < now() - interval '30 seconds'
        """,
        LOOK_AT_WORKER,
        Repair("end them as cancelled", end_stopped_turns),
    ),
    Invariant(
        "ended turns have a time",
        "Every closed turn says when it ended, no open one does.",
        "turns are closed without an end, or open with one",
        """
        SELECT id FROM chat_turns WHERE (status IN ('COMPLETED', 'FAILED', 'CANCELLED')) = (ended_at IS NULL)
        """,
        REPORT,
        Repair("set the time that is missing, or take away the one that is too many", set_end_times),
    ),
    Invariant(
        "completed turns are whole",
        "Every completed turn has its reason and its model's usage.",
        "completed turns lack a finish_reason or the tokens that they used",
        """
        SELECT id FROM chat_turns
        WHERE status = 'COMPLETED' AND (finish_reason IS NULL OR output_tokens IS NULL)
        """,
        LOOK_AT_SERVER,
    ),
    Invariant(
        "failed turns say why",
        "Every failed turn has an error code.",
        "failed turns have no error_code",
        "SELECT id FROM chat_turns WHERE status = 'FAILED' AND error_code IS NULL",
        LOOK_AT_SERVER,
        Repair("give them the code turn_lost", give_reasons),
    ),
    Invariant(
        "turns in a row",
        "Every session's turns are numbered from 1 without holes.",
        "sessions have holes in the numbers of their turns",
        """
        SELECT session_id AS id FROM chat_turns GROUP BY session_id
        HAVING max(turn_no) <> count(*) OR min(turn_no) <> 1
        """,
        REPORT,
    ),
    Invariant(
        "sessions count their turns",
        "Every session's last_turn_no is its newest turn's.",
        "sessions have a last_turn_no that is not their newest turn's",
        """
        SELECT s.id FROM chat_sessions s
        WHERE s.last_turn_no <> coalesce((SELECT max(t.turn_no) FROM chat_turns t WHERE t.session_id = s.id), 0)
        """,
        REPORT,
        Repair("count anew", count_turns),
    ),
)


async def check_owner(owner: "Database") -> list[Finding]:
    await owner.ping()
    return []


async def check_invariant(owner: "Database", invariant: Invariant) -> list[Finding]:
    from sqlalchemy import Text, cast, func, select  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    broken = broken_ids(invariant.broken)
    # Only the count and one id are shown, for there may be very many.
    asked = select(func.count().label("found"), func.min(cast(broken.c.id, Text)).label("one")).select_from(
        broken
    )
    async with owner.without_tenant() as connection:
        row = (await connection.execute(asked)).one()
    if row.found:
        said = f"{row.found} {invariant.breaks}, e.g. {row.one}."
        return [problem(invariant.name, said, invariant.next_step)]
    return [fine(invariant.name, invariant.fine)]
