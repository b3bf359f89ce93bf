"""What must be true of turns that have ended, of what turns have settled, and of sessions."""

from neo.cli.doctor.repair import Repair
from neo.cli.doctor.turns.invariant import LOOK_AT_SERVER, REPORT, Invariant
from neo.cli.doctor.turns.repair_ended import (
    count_turns,
    give_reasons,
    let_go,
    set_end_times,
    set_terminals,
)

ENDED_TURNS = (
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
    # A claim would run one of these again.
    Invariant(
        "ended turns are let go",
        "No turn that has ended has a lease, is claimable, or has open calls or requests.",
        "turns have ended with a lease, claimable, or with open calls or requests",
        """
        SELECT t.id FROM chat_turns t WHERE t.status IN ('COMPLETED', 'FAILED', 'CANCELLED') AND (
            num_nonnulls(t.lease_id, t.claimable_at, t.waiting_for) > 0
            OR EXISTS (SELECT 1 FROM tool_calls c
                WHERE c.turn_id = t.id AND c.status IN ('PLANNED', 'WAITING', 'RUNNING'))
            OR EXISTS (SELECT 1 FROM approval_requests r WHERE r.turn_id = t.id AND r.status = 'PENDING'))
        """,
        REPORT,
        Repair("end their calls and requests, and let them go", let_go),
    ),
    # Turns that ended before turns had segments have none, no claim, and one segment at most.
    Invariant(
        "ended turns have a terminal",
        "Every turn that has ended says where its events end, no open one does.",
        "turns have ended and do not say where their events end, or are open and do",
        """
        SELECT id FROM chat_turns WHERE CASE WHEN status IN ('COMPLETED', 'FAILED', 'CANCELLED') THEN
            num_nulls(terminal_segment, terminal_claim, terminal_n) IN (1, 2)
            OR terminal_segment IS NULL AND (claim > 0 OR segment > 2)
            OR terminal_segment NOT BETWEEN segment - 1 AND segment
        ELSE num_nonnulls(terminal_segment, terminal_claim, terminal_n) > 0 END
        """,
        REPORT,
        Repair("have readers get their ends from PostgreSQL", set_terminals),
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
        "completed turns have a reply",
        "Every completed turn that settled an answer has it as a message.",
        "completed turns have no reply, though they settled one",
        """
        SELECT t.id FROM chat_turns t LEFT JOIN chat_messages m ON m.id = t.reply_message_id
        WHERE t.status = 'COMPLETED' AND m.id IS NULL
          AND EXISTS (SELECT 1 FROM turn_segments g WHERE g.turn_id = t.id AND g.parts <> '[]')
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
        "segments in a row",
        "Every turn's settled segments are numbered from 1 without holes, up to the one that is next.",
        "turns have holes in the numbers of their segments, or not as many as they have settled",
        """
        SELECT t.id FROM chat_turns t LEFT JOIN (
            SELECT turn_id, count(*) AS settled, max(segment) AS newest FROM turn_segments GROUP BY turn_id
        ) g ON g.turn_id = t.id
        WHERE coalesce(g.settled, 0) <> t.segment - 1 OR coalesce(g.newest, 0) <> t.segment - 1
        """,
        REPORT,
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
