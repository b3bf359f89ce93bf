"""Waits for what a call brings, and no longer than its caller wants; and tells the breaker how it went."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import orjson

from neo.connections.breaker import Breaker
from neo.connections.exchange import SERVER_ERROR, Exchange
from neo.connections.outcome import Content, Ending, Json, Outcome, Text
from neo.connections.sign_in import SignIn

T = TypeVar("T")


async def until(
    asked: Awaitable[T],
    exchange: Exchange,
    seconds: float,
    cancelled: asyncio.Event | None,
    leaving: set[asyncio.Future[Any]],
) -> "T | Exception | None":
    """What was answered or raised; None if it was not waited for. Only the caller's own cancellation is raised.

    What is taken back may need a while to say so to the server; it is among the `leaving` until then.
    """
    asking = asyncio.ensure_future(asked)
    stopping = asyncio.ensure_future((cancelled or asyncio.Event()).wait())
    try:
        await asyncio.wait({asking, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        is_stopped = stopping.done()
        stopping.cancel()
        if not asking.done():
            asking.cancel()
            leaving.add(asking)
            asking.add_done_callback(leaving.discard)
    if asking.done() and not asking.cancelled():
        error = asking.exception()
        return error if isinstance(error, Exception) else asking.result()
    if is_stopped:
        exchange.fail(Ending.CANCELLED, "The call was taken back.")
    else:
        exchange.fail(Ending.TIMED_OUT, f"The server did not answer within {seconds:g} s.")
    return None


def held_back(breaker: Breaker) -> Outcome | None:
    """How a call ends that is not made, because the server was down just now."""
    wait = breaker.wait_seconds()
    if not wait:
        return None
    detail = f"The server was down just now. It is asked again in {wait:.0f} s."
    return Outcome(ending=Ending.UNREACHABLE, is_sent=False, detail=detail, retry_after_seconds=wait)


def tell(breaker: Breaker, outcome: object) -> None:
    """Tell the breaker whether the server is up."""
    if outcome is None or (
        isinstance(outcome, Outcome) and outcome.ending in (Ending.CANCELLED, Ending.REFUSED)
    ):
        breaker.left()
    elif isinstance(outcome, Outcome) and _is_down(outcome):
        breaker.failed()
    else:
        breaker.succeeded()


def _is_down(outcome: Outcome) -> bool:
    is_failing = outcome.status is None or outcome.status >= SERVER_ERROR
    return outcome.ending is Ending.TIMED_OUT or (outcome.ending is Ending.UNREACHABLE and is_failing)


def without_secrets(content: Content, sign_in: SignIn) -> Content:
    match content:
        case Text(text=text):
            return Text(sign_in.hidden_in(text))
        case Json(value=value):
            text = orjson.dumps(value).decode()
            hidden = sign_in.hidden_in(text)
            return content if hidden == text else _read_again(hidden)
    return content


def _read_again(text: str) -> Content:
    try:
        return Json(orjson.loads(text))
    except orjson.JSONDecodeError:
        return Text(text)
