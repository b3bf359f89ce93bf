"""One conversation through the public API, as a stranger has it."""

import asyncio
from itertools import pairwise

import pytest

from support.client import SESSIONS, Client, Event, read_events, reply_of, text_of
from support.rows import Rows

pytestmark = pytest.mark.by_address

TURNS = 20
WORDS = "w1 w2 w3 w4 w5 "


async def test_a_message_is_answered_and_the_answer_is_stored(client: Client) -> None:
    session = await client.open()

    accepted = await client.say(session, "Hello\nthere")
    events = await client.events(session, accepted["since_cursor"])

    assert [event.type for event in events][:3] == ["start", "start-step", "text-start"]
    assert [event.type for event in events][-2:] == ["finish-step", "finish"]
    assert text_of(events) == WORDS
    transcript = await client.messages(session)
    assert reply_of(transcript, accepted["chat_turn_id"]) == WORDS
    assert [message["role"] for message in transcript["messages"]] == ["user", "assistant"]
    assert transcript["open_turn"] is None
    shown = (await client.http.get(f"{SESSIONS}/{session}")).json()["data"]
    assert shown["title"] == "Hello"


async def test_a_turn_records_what_it_cost(client: Client) -> None:
    session = await client.open()

    accepted = await client.say(session, "Hello")
    turn = await client.ended(session, accepted["chat_turn_id"])

    assert turn["status"] == "COMPLETED"
    assert turn["usage"]["model"] == "tokens=5"
    assert (turn["usage"]["provider"], turn["usage"]["region"]) == ("scripted", "local")
    assert turn["usage"]["output_tokens"] == 5
    assert turn["usage"]["input_tokens"] > 0
    assert 0 < turn["usage"]["first_token_ms"] <= turn["usage"]["total_ms"]
    assert turn["attempts"] == 1


async def test_a_second_turn_is_read_from_its_own_cursor(client: Client) -> None:
    session = await client.open()
    first = await client.say(session, "one")
    await client.events(session, first["since_cursor"])

    second = await client.say(session, "two")
    events = await client.events(session, second["since_cursor"])

    assert events[0].chunk["messageMetadata"]["chat_turn_id"] == second["chat_turn_id"]
    assert text_of(events) == WORDS
    without = await client.events(session)
    assert without[0].chunk["messageMetadata"]["chat_turn_id"] == first["chat_turn_id"]


async def test_a_reader_that_left_goes_on_where_it_was(client: Client, rows: Rows) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=40,delay_ms=5"))
    accepted = await client.say(session, "Hello")
    whole = await client.events(session, accepted["since_cursor"])

    for cut in range(len(whole) - 1):
        rest = await client.events(session, accepted["since_cursor"], last_event_id=whole[cut].id)
        assert [event.id for event in rest] == [event.id for event in whole[cut + 1 :]]


async def test_a_reader_that_leaves_in_mid_answer_loses_and_repeats_nothing(
    client: Client, rows: Rows
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=60,delay_ms=10"))
    accepted = await client.say(session, "Hello")

    seen: list[Event] = []
    cursor = None
    while not seen or seen[-1].type != "finish":
        some = await client.events(
            session,
            accepted["since_cursor"],
            last_event_id=cursor,
            until=lambda event: event.type == "text-delta",
        )
        seen += some
        cursor = seen[-1].id

    assert text_of(seen) == "".join(f"w{number} " for number in range(1, 61))
    assert len({event.id for event in seen}) == len(seen)


async def test_nothing_more_to_come_is_204(client: Client) -> None:
    session = await client.open()
    accepted = await client.say(session, "Hello")
    events = await client.events(session, accepted["since_cursor"])

    async with client.stream(session, last_event_id=events[-1].id) as response:
        assert response.status_code == 204


async def test_a_repeated_message_starts_no_second_turn(client: Client) -> None:
    session = await client.open()
    first = await client.say(session, "Hello", client_message_id="m-1")

    repeated = await client.post(session, "Hello", client_message_id="m-1")
    reused = await client.post(session, "Something else", client_message_id="m-1")

    assert repeated.status_code == reused.status_code == 409
    assert repeated.json()["error"]["code"] == "duplicate_client_message_id"
    assert reused.json()["error"]["code"] == "client_message_id_reused"
    details = repeated.json()["error"]["details"]
    assert {name: details[name] for name in ("user_message_id", "chat_turn_id", "since_cursor")} == {
        name: first[name] for name in ("user_message_id", "chat_turn_id", "since_cursor")
    }
    assert details["chat_turn_status"] in ("QUEUED", "RUNNING", "COMPLETED")
    await client.ended(session, first["chat_turn_id"])
    assert len((await client.messages(session))["messages"]) == 2


async def test_racing_repeats_are_one_turn(client: Client) -> None:
    session = await client.open()

    answers = await asyncio.gather(
        *(client.post(session, "Hello", client_message_id="same") for _ in range(50))
    )

    accepted = [answer for answer in answers if answer.status_code == 202]
    refused = [answer.json()["error"] for answer in answers if answer.status_code == 409]
    assert (len(accepted), len(refused)) == (1, 49)
    assert {error["code"] for error in refused} == {"duplicate_client_message_id"}
    turn_id = accepted[0].json()["data"]["chat_turn_id"]
    assert {error["details"]["chat_turn_id"] for error in refused} == {turn_id}
    await client.ended(session, turn_id)


async def test_messages_posted_at_once_are_answered_in_order_each_to_its_own_tail(
    client: Client, rows: Rows
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:echo"))

    posts = [client.say(session, f"message {number}") for number in range(TURNS)]
    accepted = sorted(await asyncio.gather(*posts), key=lambda one: int(one["since_cursor"].split("-")[0]))
    tails = await asyncio.gather(*(client.events(session, one["since_cursor"]) for one in accepted))

    transcript = (await client.messages(session))["messages"]
    asked = [message["parts"][0]["text"] for message in transcript if message["role"] == "user"]
    assert sorted(asked) == sorted(f"message {number}" for number in range(TURNS))
    assert [text_of(tail).strip() for tail in tails] == asked
    for one, tail in zip(accepted, tails, strict=True):
        assert {turn_no(event.id) for event in tail} == {turn_no(one["since_cursor"])}
        assert [event.type for event in tail].count("finish") == 1
    turns = [await client.turn(session, one["chat_turn_id"]) for one in accepted]
    assert all(earlier["ended_at"] <= later["started_at"] for earlier, later in pairwise(turns))


async def test_a_tail_that_follows_carries_turn_after_turn(client: Client) -> None:
    session = await client.open()
    seen: list[Event] = []

    async with client.stream(session, follow=True) as response:
        events = read_events(response)
        for number in range(3):
            await client.say(session, f"message {number}")
            async for event in events:
                seen.append(event)
                if event.type == "finish":
                    break

    assert [event.type for event in seen].count("finish") == 3
    assert sorted({turn_no(event.id) for event in seen}) == [1, 2, 3]


async def test_an_open_turn_is_named_with_its_cursor(client: Client, rows: Rows) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=5,first_ms=500"))
    accepted = await client.say(session, "Hello")

    shown = (await client.http.get(f"{SESSIONS}/{session}")).json()["data"]

    assert shown["open_turn"]["chat_turn_id"] == accepted["chat_turn_id"]
    assert shown["open_turn"]["since_cursor"] == accepted["since_cursor"]
    again = (await client.messages(session))["open_turn"]
    assert (again["chat_turn_id"], again["since_cursor"]) == (
        accepted["chat_turn_id"],
        accepted["since_cursor"],
    )
    await client.ended(session, accepted["chat_turn_id"])


async def test_an_archived_session_is_read_but_takes_no_message(client: Client) -> None:
    session = await client.open()
    accepted = await client.say(session, "Hello", client_message_id="before")
    await client.ended(session, accepted["chat_turn_id"])

    archived = await client.http.post(f"{SESSIONS}/{session}/archive")
    again = await client.http.post(f"{SESSIONS}/{session}/archive")

    assert archived.status_code == again.status_code == 200
    assert archived.json()["data"]["archived_at"] == again.json()["data"]["archived_at"] is not None
    refused = await client.post(session, "Hello again")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "session_archived")
    repeated = await client.post(session, "Hello", client_message_id="before")
    assert repeated.json()["error"]["code"] == "duplicate_client_message_id"
    assert len((await client.messages(session))["messages"]) == 2


async def test_lists_are_paged_without_holes(client: Client, rows: Rows) -> None:
    tenant = await rows.tenant()
    other = Client(str(client.http.base_url), tenant.api_key)
    opened = [await other.open() for _ in range(5)]

    seen: list[str] = []
    cursor = None
    while True:
        params = {"page_size": 2, **({"cursor": cursor} if cursor else {})}
        page = (await other.http.get(SESSIONS, params=params)).json()
        seen += [session["id"] for session in page["data"]]
        cursor = page["meta"]["pagination"]["next_cursor"]
        if not page["meta"]["pagination"]["has_more"]:
            break

    assert seen == opened[::-1]
    await other.http.aclose()


async def test_messages_are_paged_both_ways(client: Client) -> None:
    session = await client.open()
    for number in range(3):
        accepted = await client.say(session, f"message {number}")
        await client.ended(session, accepted["chat_turn_id"])

    for order in ("asc", "desc"):
        seen: list[str] = []
        cursor = None
        while True:
            params = {"page_size": 2, "order": order, **({"cursor": cursor} if cursor else {})}
            answer = await client.http.get(f"{SESSIONS}/{session}/messages", params=params)
            seen += [message["id"] for message in answer.json()["data"]["messages"]]
            cursor = answer.json()["meta"]["pagination"]["next_cursor"]
            if cursor is None:
                break
        whole = [message["id"] for message in (await client.messages(session))["messages"]]
        assert seen == (whole if order == "asc" else whole[::-1])


def turn_no(cursor: str) -> int:
    return int(cursor.split("-", maxsplit=1)[0]) // 65536
