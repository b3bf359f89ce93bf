"""With no provider configured, the real local model answers."""

from pathlib import Path

from support.client import Client, reply_of, text_of
from support.server import Server


async def test_a_newcomer_is_answered_by_the_real_local_model(tmp_path: Path) -> None:
    server = await Server(tmp_path / "data", environment={"NEO_MODEL_FAST": ""}).start()
    try:
        client = Client(server.url, (server.data / "key").read_text().strip())
        assert (server.data / "key").stat().st_mode & 0o777 == 0o600
        session = await client.open()

        first = await client.say(session, "Say hello in one short sentence.")
        events = await client.events(session, first["since_cursor"])
        second = await client.say(session, "And once more.")
        turn = await client.ended(session, second["chat_turn_id"])

        assert events[-1].type == "finish"
        assert len([event for event in events if event.type == "text-delta"]) > 1
        assert text_of(events).strip()
        assert reply_of(await client.messages(session), first["chat_turn_id"]) == text_of(events)
        assert (turn["status"], turn["usage"]["provider"]) == ("COMPLETED", "local")
        assert turn["usage"]["input_tokens"] > 20
        await client.http.aclose()
    finally:
        await server.stop()
        server.remove()
