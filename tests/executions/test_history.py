"""Executions are listed by who may read their sessions, by filters, newest first."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from executions.conftest import EXECUTIONS, TalkTo
from support.client import Client
from support.people import People


async def listed(client: Client, **params: Any) -> list[str]:
    answer = await client.http.get(EXECUTIONS, params=params)
    assert answer.status_code == 200, answer.text
    return [one["execution_id"] for one in answer.json()["data"]]


async def test_a_chat_turn_is_an_execution_that_is_listed_where_chats_are_named(talk_to: TalkTo) -> None:
    talk = await talk_to("tokens=1")
    turns = [await talk.say("Where is my printer?"), await talk.say("100% sure_thing?")]
    account, later = talk.account, (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    one = (await account.http.get(f"{EXECUTIONS}/{turns[0]}")).json()["data"]

    newest = turns[::-1]
    assert await listed(account) == []
    assert await listed(account, trigger="manual") == []
    assert await listed(account, trigger="CHAT", entity_id="7") == []
    assert await listed(account, trigger="chat,MANUAL") == newest
    assert await listed(account, session_id=talk.session) == newest
    assert await listed(account, session_id=str(uuid4())) == []
    assert await listed(account, session_id="x") == []
    assert (
        await listed(account, trigger="CHAT", status="SUCCESS,FAILURE", autonomy_type="CONVERSATIONAL")
        == newest
    )
    assert await listed(account, trigger="CHAT", status="RUNNING") == []
    assert await listed(account, trigger="CHAT", agent_id=one["agent_id"]) == newest
    assert await listed(account, trigger="CHAT", agent_id=1) == []
    assert await listed(account, trigger="CHAT", created_before=later) == newest
    assert await listed(account, trigger="CHAT", created_after=later) == []
    assert await listed(account, trigger="CHAT", q="PRINTER") == [turns[0]]
    assert await listed(account, trigger="CHAT", q="0% sure_") == [turns[1]]
    assert await listed(account, trigger="CHAT", q="0_ sure") == []
    assert (one["execution_id"], one["session_id"]) == (turns[0], talk.session)
    assert (one["status"], one["trigger"], one["agent_name"]) == ("SUCCESS", "CHAT", "Test agent")
    assert one["author"]["kind"] == "SERVICE_ACCOUNT"
    assert one["seconds_spent"] >= 0


async def test_pages_of_executions_go_on_where_the_last_ended(talk_to: TalkTo) -> None:
    talk = await talk_to("tokens=1")
    turns = [await talk.say(str(number)) for number in range(3)]

    first = (await talk.account.http.get(EXECUTIONS, params={"trigger": "CHAT", "page_size": 2})).json()
    cursor = first["meta"]["pagination"]["next_cursor"]

    assert [one["execution_id"] for one in first["data"]] == turns[:0:-1]
    assert await listed(talk.account, trigger="CHAT", cursor=cursor) == turns[:1]


@pytest.mark.parametrize(
    "params",
    [
        {"status": "DREAMING"},
        {"trigger": "WHIM"},
        {"autonomy_type": "WILD"},
    ],
)
async def test_a_word_that_no_filter_has_is_refused(client: Client, params: dict[str, str]) -> None:
    answer = await client.http.get(EXECUTIONS, params=params)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "execution_filter_invalid")


@pytest.mark.parametrize(
    "params",
    [
        {"created_after": "yesterday"},
        {"created_after": "2026-01-01T00:00:00"},
        {"q": "\0"},
        {"agent_id": "x"},
    ],
)
async def test_a_filter_of_another_form_is_refused(client: Client, params: dict[str, str]) -> None:
    answer = await client.http.get(EXECUTIONS, params=params)

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation_error")


async def test_dashboard_users_read_the_executions_of_their_own_sessions_and_an_admin_all(
    talk_to: TalkTo, people: People
) -> None:
    talk = await talk_to("tokens=1")
    of_account = await talk.say("Mine")
    _, user = await people.join(talk.tenant.id, "User")
    _, admin = await people.join(talk.tenant.id, "Admin")
    session = await user.open(agent_id=(await _agent(talk.account, of_account)))
    own = (await user.say(session, "Also mine"))["chat_turn_id"]
    await user.ended(session, own)

    paths = [f"{EXECUTIONS}/{of_account}{more}" for more in ("", "/steps", "/artifacts", "/calls/call_x")]
    refused = [(await user.http.get(path)).json()["error"]["code"] for path in paths]
    refused.append((await user.http.get(f"{EXECUTIONS}/{talk.session}/steps")).json()["error"]["code"])

    assert await listed(user, trigger="CHAT") == [own]
    assert await listed(admin, trigger="CHAT") == [own, of_account]
    assert refused == ["execution_not_found"] * 5
    assert (await admin.http.get(paths[1])).status_code == 200


async def _agent(account: Client, execution_id: str) -> int:
    return int((await account.http.get(f"{EXECUTIONS}/{execution_id}")).json()["data"]["agent_id"])
