"""How a call has ended, by what was answered and by what is known of its exchange."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from neo.connections.exchange import Exchange
from neo.connections.outcome import Ending, Outcome
from neo.connections.sign_in import SignIn
from neo.connections.waiting import without_secrets

T = TypeVar("T")

SAID_CHARACTERS_MAX = 8 * 1024
REDIRECTION, BAD_REQUEST = 300, 400
NO_ANSWER = "The server's answer is not what the protocol allows."


class BrokenError(Exception):
    """The conversation has ended, or the server's answer is not what the protocol allows."""


class AnsweredError(Exception):
    """The server has answered with an error of the protocol; its words."""


def outcome_of(
    answered: T | Exception | None, exchange: Exchange, opening: Exchange, sign_in: SignIn
) -> T | Outcome:
    """The answer, with nothing in it that was signed in with; or why there is none. Raises what is a bug."""
    if isinstance(answered, Outcome):
        return replace(
            answered,
            said=sign_in.hidden_in(answered.said)[:SAID_CHARACTERS_MAX],
            content=tuple(without_secrets(one, sign_in) for one in answered.content),
            status=exchange.status,
        )
    if answered is not None and not isinstance(answered, Exception):
        return answered
    if answered is not None and not isinstance(answered, BrokenError | AnsweredError):
        raise answered
    if isinstance(answered, AnsweredError) and exchange.is_refused:
        said = sign_in.hidden_in(str(answered))[:SAID_CHARACTERS_MAX]
        return Outcome(ending=Ending.TOOL_ERROR, is_sent=True, said=said, status=exchange.status)
    return _without_answer(exchange, opening)


def first_down(openings: Sequence[Exchange]) -> Exchange:
    """What tells why a conversation has not begun: a server that failed at one way of beginning it and does not know
    the other is down, and speaks no other protocol.
    """
    newest = openings[-1]
    failed = [one for one in openings if one.ending is Ending.UNREACHABLE]
    return failed[0] if failed and (newest.status or 0) >= BAD_REQUEST else newest


def _without_answer(exchange: Exchange, opening: Exchange) -> Outcome:
    # What was not even asked has ended where the conversation should have begun.
    known = opening if exchange.ending is None and exchange.status is None else exchange
    refused = known.status is not None and known.status >= REDIRECTION
    return Outcome(
        ending=known.ending or Ending.PROTOCOL_BROKEN,
        is_sent=exchange.is_sent,
        detail=known.detail or (f"The server answered {known.status}." if refused else NO_ANSWER),
        code=known.code,
        challenge=known.challenge,
        status=known.status,
        retry_after_seconds=known.retry_after_seconds,
    )
