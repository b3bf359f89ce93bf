"""What must be true of open turns: each goes on as soon as it can."""

from neo.cli.doctor.repair import Repair
from neo.cli.doctor.turns.invariant import REPORT, Invariant
from neo.cli.doctor.turns.repair_open import (
    end_stopped_turns,
    expire_requests,
    make_claimable,
    make_wait,
    release_leases,
    resume_turns,
)

LOOK_AT_PROCESSES = "look into the logs of those that run turns"

OPEN_TURNS = (
    Invariant(
        "one turn at a time",
        "No session runs two turns.",
        "sessions run two turns, or wait in one and run another",
        """
        SELECT session_id AS id FROM chat_turns WHERE status IN ('RUNNING', 'WAITING')
        GROUP BY session_id HAVING count(*) > 1
        """,
        REPORT,
    ),
    # A claim of one of these would break the rule above, and with it the claims of all others in the same statement.
    Invariant(
        "queued turns wait",
        "No turn behind an open one is claimable.",
        "turns are claimable though an earlier turn of their session is open",
        """
        SELECT t.id FROM chat_turns t WHERE t.status = 'QUEUED' AND t.claimable_at IS NOT NULL
          AND EXISTS (SELECT 1 FROM chat_turns e WHERE e.session_id = t.session_id AND e.turn_no < t.turn_no
            AND e.status IN ('QUEUED', 'RUNNING', 'WAITING'))
        """,
        REPORT,
        Repair("have them wait for those before them", make_wait),
    ),
    Invariant(
        "first turns can go on",
        "Every session's first open turn is claimable, leased or waiting.",
        "turns are first in their session, and neither claimable nor leased nor waiting",
        """
        SELECT t.id FROM chat_turns t
        WHERE t.claimable_at IS NULL AND (t.status = 'RUNNING' OR t.status = 'QUEUED'
          AND NOT EXISTS (SELECT 1 FROM chat_turns e WHERE e.session_id = t.session_id AND e.turn_no < t.turn_no
            AND e.status IN ('QUEUED', 'RUNNING', 'WAITING')))
        """,
        REPORT,
        Repair("make them claimable", make_claimable),
    ),
    # A process is seen each second. One that died is not counted once its leases have passed, so that its places do not
    # look free. The last places are for tenants that have none: an eighth, unless it is set otherwise.
    Invariant(
        "claimable turns are claimed",
        "No turn has been claimable for over 10 s while a process has a place for it.",
        "turns have been claimable for over 10 s while a process has a place for them",
        """
        WITH room AS (
            SELECT coalesce(sum(places), 0) AS places FROM turn_processes
            WHERE places > 0 AND seen_at > clock_timestamp() - interval '3 seconds'
        ), leases AS (
            SELECT tenant_id, sum(count(*)) OVER () AS all_leases FROM chat_turns
            WHERE lease_id IS NOT NULL AND claimable_at > clock_timestamp() GROUP BY tenant_id
        )
        SELECT t.id FROM chat_turns t CROSS JOIN room
        WHERE t.claimable_at < clock_timestamp() - interval '10 seconds'
          AND coalesce((SELECT max(all_leases) FROM leases), 0)
            < room.places / CASE WHEN t.tenant_id IN (SELECT tenant_id FROM leases) THEN 2 ELSE 1 END
        """,
        LOOK_AT_PROCESSES,
        Repair("release the leases that have passed, and wake those that run turns", release_leases),
    ),
    Invariant(
        "waiting turns can go on",
        "Every waiting turn has something that it waits for.",
        "turns wait for nothing, or for what has come already",
        """
        SELECT t.id FROM chat_turns t WHERE t.status = 'WAITING' AND (
            num_nonnulls(t.lease_id, t.claimable_at) > 0 OR t.waiting_for IS NULL
            OR NOT EXISTS (SELECT 1 FROM tool_calls c WHERE c.turn_id = t.id AND c.outcome_segment IS NULL)
            OR EXISTS (
                SELECT 1 FROM tool_calls c
                LEFT JOIN approval_requests r ON r.call_id = c.id AND r.status = 'PENDING'
                WHERE c.turn_id = t.id AND c.outcome_segment IS NULL
                  AND (neo_is_call_due(c) OR c.status = 'WAITING' AND r.id IS NULL)))
        """,
        REPORT,
        Repair("have them go on", resume_turns),
    ),
    Invariant(
        "requests expire",
        "No request for a decision is over 30 s past its time.",
        "requests for a decision are over 30 s past their time",
        """
        SELECT id FROM approval_requests
        WHERE status = 'PENDING' AND expires_at < clock_timestamp() - interval '30 seconds'
        """,
        "look whether an API process runs, which acts on what is due",
        Repair("let them expire, so that their turns go on", expire_requests),
    ),
    # Whoever drives the turn stops within a second; when nobody does, an API process ends it within ten.
    Invariant(
        "stopped turns end",
        "No turn has been running for over 30 s since it was cancelled.",
        "turns have been running for over 30 s since they were cancelled",
        """
        SELECT id FROM chat_turns
        WHERE status = 'RUNNING' AND cancel_requested_at < clock_timestamp() - interval '30 seconds'
        """,
        LOOK_AT_PROCESSES,
        Repair("end them as cancelled", end_stopped_turns),
    ),
)
