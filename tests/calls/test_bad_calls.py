"""A model that spoils its calls is told so, and the session goes on, whichever API the model speaks."""

import asyncio

import pytest

from calls.desk import Desk, Turn

# What each becomes: a tool that takes nothing may well be called with nothing.
SPOILED = {
    "bad_call=empty,tool=desk__read": "tool-output-available",
    "bad_call=empty,tool=desk__write": "invalid_arguments: ",
    "bad_call=broken,tool=desk__read": "invalid_arguments: ",
    "bad_call=unknown,tool=desk__read": "unknown_tool: ",
}


@pytest.mark.parametrize("dialect", ["scripted", "scripted-chat", "scripted-anthropic"])
async def test_a_spoiled_call_is_told_and_the_next_turn_is_answered(desk: Desk, dialect: str) -> None:
    """The strict model refuses a prompt in which anything of the calls is not whole."""
    told = await asyncio.gather(*(_told(desk, spoiled, dialect) for spoiled in SPOILED))

    assert dict(zip(SPOILED, told, strict=True)) == {
        spoiled: [(end, "finish")] * 2 for spoiled, end in SPOILED.items()
    }
    assert {call["tool"] for call in await desk.stage.calls()} == {"read"}


async def _told(desk: Desk, spoiled: str, dialect: str) -> list[tuple[str, str]]:
    """How the call and the turn have ended, of two turns of a session."""
    session = await desk.session(f"{spoiled},strict", dialect)
    turns = [await desk.say(session, words) for words in ("One.", "Two.")]
    return [(_end(turn, SPOILED[spoiled]), turn.events[-1].type) for turn in turns]


def _end(turn: Turn, expected: str) -> str:
    """The one that was expected, or all that there is."""
    [outcome] = turn.outcomes
    found = outcome.get("errorText", outcome["type"])
    return expected if found.startswith(expected) else found
