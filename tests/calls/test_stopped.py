"""A stop that is set while agents call tools: what leaves later, leaves not."""

import asyncio

from calls.desk import Desk

STOPS = "/public-api/tool-stops"
TURNS = 12


async def test_nothing_is_written_after_a_stop_has_answered_but_what_it_names(desk: Desk) -> None:
    """Turns that write again and again, and one stop in the midst of them."""
    words = ",".join(f'call=desk__write{{"text":"{number}"}}' for number in range(5))
    agent = await desk.agent(words)
    sessions = [await desk.client.open(agent_id=agent) for _ in range(TURNS)]
    talking = [asyncio.create_task(desk.say(session, "Please.")) for session in sessions]
    await desk.stage.calls(at_least=3)

    answer = await desk.client.http.put(STOPS, json={"scope": "CONNECTION", "id": desk.connection})
    before = await desk.stage.effects()
    turns = await asyncio.gather(*talking)
    after = await desk.stage.effects()

    named = {call["call_id"] for call in answer.json()["data"]["calls_in_flight"]}
    late = {effect["key"] for effect in after} - {effect["key"] for effect in before}
    assert late <= named
    assert len(after) < TURNS * 5
    ends = [outcome.get("errorText", "") for turn in turns for outcome in turn.outcomes]
    assert any(end.startswith("tool_stopped: ") for end in ends)
    # The model reads it, and the turn goes on to its end.
    assert {turn.events[-1].type for turn in turns} == {"finish"}
