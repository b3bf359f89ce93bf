"""Executions are stopped, asked again, and resolved by somebody who has looked."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from executions.conftest import EXECUTIONS, Talk, TalkTo
from neo.turns.prompt import read_transcript
from neo.turns.store import TurnStore
from support.people import People
from support.rows import Rows

AGENTS = "/public-api/agents"


async def changed(talk: Talk, turn: str, verb: str) -> tuple[int, Any]:
    answer = await talk.account.http.post(f"{EXECUTIONS}/{turn}/{verb}")
    body = answer.json()
    return answer.status_code, body["data"]["signal"] if answer.is_success else body["error"]["code"]


async def test_an_execution_is_cancelled_once(talk_to: TalkTo) -> None:
    talk = await talk_to("tokens=1,tool=gated")
    turn = await talk.say("Wait for me")

    first, second = await changed(talk, turn, "cancel"), await changed(talk, turn, "cancel")

    assert first == (202, "cancel")
    assert second == (409, "execution_already_finished")
    found = (await talk.account.http.get(f"{EXECUTIONS}/{turn}")).json()["data"]
    assert found["status"] == "CANCELLED"


async def test_an_admin_does_not_stop_what_others_have_asked(talk_to: TalkTo, people: People) -> None:
    talk = await talk_to("tokens=1,tool=gated")
    turn = await talk.say("Wait for me")
    _, admin = await people.join(talk.tenant.id, "Admin")

    answers = [await admin.http.post(f"{EXECUTIONS}/{turn}/{verb}") for verb in ("cancel", "retry")]

    assert [answer.json()["error"]["code"] for answer in answers] == ["session_not_yours"] * 2


async def test_a_retry_supersedes_the_older_reply(talk_to: TalkTo) -> None:
    talk = await talk_to("recall")
    await talk.say("One")
    old = await talk.say("Two")

    status, retried = await talk.retry(old)
    await talk.ended(retried["execution_id"])
    later = await talk.say("Three")

    shown, whole = await talk.texts(), await talk.texts(superseded="true")
    metadata = [
        one["metadata"] for one in (await talk.account.messages(talk.session, superseded="true"))["messages"]
    ]
    executions = [
        (await talk.account.http.get(f"{EXECUTIONS}/{turn}")).json()["data"]
        for turn in (old, retried["execution_id"])
    ]
    assert (status, retried["retried_execution_id"], retried["status"]) == (202, old, "queued")
    # The model is given each message once, whoever answers it.
    assert [line.split() for line in shown] == [
        ["One"],
        ["One"],
        ["Two"],
        ["One", "Two"],
        ["Three"],
        ["One", "Two", "Three"],
    ]
    assert [line.split() for line in whole[3:5]] == [["One", "Two"], ["One", "Two"]]
    assert [one["superseded_by"] for one in metadata[3:5]] == [retried["execution_id"], None]
    assert metadata[2]["chat_turn_id"] == retried["execution_id"]
    assert executions[0]["superseded_by_execution_id"] == retried["execution_id"]
    assert executions[1]["retried_from_execution_id"] == old
    assert (await talk.steps(retried["execution_id"]))[0]["data"]["text"] == "Two"
    assert (await talk.retry(old))[1]["code"] == "execution_not_retryable"
    assert (await talk.retry(later))[0] == 202


async def test_the_effects_of_what_was_superseded_stay_in_prompts(talk_to: TalkTo, rows: Rows) -> None:
    talk = await talk_to("tokens=1,tool=gated")
    old = await talk.say("Close it")
    await talk.decide(old)

    _, first = await talk.retry(old)
    await talk.ended(first["execution_id"])
    _, second = await talk.retry(first["execution_id"])
    await talk.ended(second["execution_id"])

    # The model finds its call done, twice over, and does not ask for it again.
    for turn in (first, second):
        steps = await talk.steps(turn["execution_id"])
        assert [step["type"] for step in steps] == ["USER_MESSAGE", "FINAL_MESSAGE"]
        assert steps[1]["data"]["text"].count('got {"ran":"gated"') == 1
    last = await talk.say("And now?")
    done, said = 'assistant: {"ran":"gated"', (await talk.texts())[1]
    assert await given(rows, talk, last) == ["user: Close it", done + said]


async def test_effects_stay_where_the_retry_had_no_answer(talk_to: TalkTo, rows: Rows) -> None:
    talk = await talk_to("tokens=1,tool=gated")
    old = await talk.say("Close it")
    await talk.decide(old)
    agent = (await talk.account.http.get(f"{EXECUTIONS}/{old}")).json()["data"]["agent_id"]

    await model_of(rows, talk, agent, "scripted:status=400")
    _, retried = await talk.retry(old)
    await talk.ended(retried["execution_id"])
    await model_of(rows, talk, agent, "scripted:tokens=1")
    next_turn = await talk.say("And now?")

    steps = [step["type"] for step in await talk.steps(retried["execution_id"])]
    assert steps == ["USER_MESSAGE", "ERROR"]
    assert await given(rows, talk, next_turn) == ["user: Close it", 'assistant: {"ran":"gated"']


async def test_only_a_turn_that_has_ended_is_asked_again_and_only_one_of_two_at_once(talk_to: TalkTo) -> None:
    talk = await talk_to("tokens=1,tool=gated")
    turn = await talk.say("Wait")
    is_open = await talk.retry(turn)
    await talk.decide(turn)

    racing = await asyncio.gather(*(talk.retry(turn) for _ in range(4)))

    assert is_open[1]["code"] == "execution_not_retryable"
    assert sorted(status for status, _ in racing) == [202, 409, 409, 409]


async def test_an_archived_session_is_not_asked_again(talk_to: TalkTo) -> None:
    talk = await talk_to("tokens=1")
    turn = await talk.say("Hello")
    await talk.account.http.post(f"/public-api/chat/sessions/{talk.session}/archive")

    status, error = await talk.retry(turn)

    assert (status, error["code"]) == (409, "session_archived")


async def test_a_call_that_is_unknown_is_resolved_once_and_told_to_the_next_prompt(
    talk_to: TalkTo, people: People, rows: Rows
) -> None:
    talk = await talk_to("tokens=1,tool=apart")
    turn = await talk.say("Reset it")
    [call] = await talk.steps(turn, type="TOOL_CALL")
    path = f"{EXECUTIONS}/{turn}/calls/{call['tool_call_id']}"
    early = await talk.account.http.post(f"{path}/resolution", json={"outcome": "DONE"})
    await changed(talk, turn, "cancel")
    _, admin = await people.join(talk.tenant.id, "Admin")

    first = await admin.http.post(f"{path}/resolution", json={"outcome": "DONE", "note": "I looked."})
    second = await talk.account.http.post(f"{path}/resolution", json={"outcome": "NOT_DONE"})
    wrong = await talk.account.http.post(f"{path}/resolution", json={"outcome": "PERHAPS"})
    nowhere = await talk.account.http.post(
        f"{EXECUTIONS}/{turn}/calls/x/resolution", json={"outcome": "DONE"}
    )
    entries = (await admin.http.get("/public-api/audit-log", params={"action": "call.resolved"})).json()[
        "data"
    ]
    reply = (await talk.account.messages(talk.session))["messages"][1]["parts"]

    told = "Since then somebody has made sure that it was done. They say: I looked."
    assert (early.status_code, early.json()["error"]["code"]) == (409, "call_not_unknown")
    resolved = first.json()["data"]
    assert (resolved["status"], resolved["resolution"]["outcome"]) == ("UNKNOWN", "DONE")
    assert resolved["error_text"].endswith(told)
    error = second.json()["error"]
    assert (second.status_code, error["code"]) == (409, "call_already_resolved")
    assert (error["details"]["outcome"], error["details"]["by"]) == ("DONE", resolved["resolution"]["by"])
    assert wrong.status_code == 422
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "call_not_found")
    assert [entry["object_id"] for entry in entries] == [call["tool_call_id"]]
    assert next(part for part in reply if part["type"] == "dynamic-tool")["errorText"].endswith(told)
    last = await talk.say("And now?")
    assert (await given(rows, talk, last, whole=True))[1].endswith(told)


async def test_a_conversational_agent_is_not_run(talk_to: TalkTo) -> None:
    talk = await talk_to("tokens=1")
    turn = await talk.say("Hello")
    agent = (await talk.account.http.get(f"{EXECUTIONS}/{turn}")).json()["data"]["agent_id"]

    answers = [await talk.account.http.post(f"{AGENTS}/{one}/run-now") for one in (agent, 999_999_999, "x")]

    told = [(answer.status_code, answer.json()["error"]["code"]) for answer in answers]
    assert told == [(400, "invalid_for_conversational"), (404, "agent_not_found"), (404, "agent_not_found")]


async def model_of(rows: Rows, talk: Talk, agent: int, model: str) -> None:
    async with rows.database.transaction(talk.tenant.id) as db:
        await db.execute(
            text("UPDATE agents SET model = :model WHERE id = :id"), {"model": model, "id": agent}
        )


async def given(rows: Rows, talk: Talk, turn_id: str, *, whole: bool = False) -> list[str]:
    """What a turn's model was given of before: who said what, with the beginnings of outcomes."""
    async with rows.database.transaction(talk.tenant.id) as db:
        turn = await TurnStore(db, talk.tenant.id).get(UUID(talk.session), UUID(turn_id))
        earlier, _ = await read_transcript(db, turn, 1_000_000)
    return [
        f"{said.role}: {''.join(o.text[: None if whole else 14] for r in said.rounds for o in r.outcomes)}{said.text}"
        for said in (one.said for one in earlier)
    ]


@pytest.mark.parametrize("verb", ["cancel", "retry"])
async def test_what_is_no_execution_is_not_changed(talk_to: TalkTo, verb: str) -> None:
    talk = await talk_to("tokens=1")

    assert await changed(talk, talk.session, verb) == (404, "execution_not_found")
    assert await changed(talk, "x", verb) == (404, "execution_not_found")
