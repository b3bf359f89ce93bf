"""Which models an agent may be given, and what becomes of one whose model went away."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from support.client import Client
from support.rows import Rows, Tenant

AGENTS, MODELS = "/public-api/agents", "/public-api/models"
GONE = text("UPDATE agents SET model = 'anthropic:gone' WHERE id = :id")


async def made(client: Client, **fields: Any) -> httpx2.Response:
    return await client.http.post(AGENTS, json={"autonomy_type": "CONVERSATIONAL", "name": "A", **fields})


@pytest.fixture
async def bereft(own: Client, tenant: Tenant, rows: Rows) -> dict[str, Any]:
    """An agent whose model went away."""
    agent = (await made(own, model="scripted:tokens=3")).json()["data"]
    async with rows.database.transaction(tenant.id) as db:
        await db.execute(GONE, {"id": agent["id"]})
    return dict(agent)


async def test_the_models_of_the_tiers_are_listed_without_address_or_key(own: Client) -> None:
    [model] = (await own.http.get(MODELS)).json()["data"]

    assert model == {
        "name": "scripted:tokens=5",
        "dialect": "responses",
        "context_tokens": 128_000,
        "answer_tokens": 16_384,
        "sees_images": True,
        "reasons": False,
        "takes_tools": True,
        "tiers": ["FAST", "SMART"],
        "price": None,
    }


@pytest.mark.parametrize("model", ["anthropic:claude-sonnet-5", "openai:gpt-5", "compatible:qwen3"])
async def test_a_model_of_a_provider_that_is_not_set_up_is_refused_when_it_is_saved(
    own: Client, model: str
) -> None:
    created = (await made(own)).json()["data"]

    for answer in (
        await made(own, model=model),
        await own.http.put(f"{AGENTS}/{created['id']}", json={"model": model}),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, "model_unknown")
        assert error["details"]["models"] == ["scripted:tokens=5"]
        assert "NEO_" not in answer.text


async def test_an_agent_whose_model_went_away_says_so_and_can_be_changed(
    own: Client, bereft: dict[str, Any]
) -> None:
    url = f"{AGENTS}/{bereft['id']}"

    for answer in (
        await own.http.get(url),
        await own.http.get(AGENTS),
        await own.http.put(url, json={"name": "B"}),
        await own.http.put(url, json={"name": "C", "model": "anthropic:gone"}),
    ):
        assert answer.status_code == 200, answer.text
        [warning] = answer.json()["meta"]["warnings"]
        assert f"Agent {bereft['id']}: this server has no model `anthropic:gone`" in warning
    mended = await own.http.put(url, json={"model": None})
    assert "warnings" not in mended.json()["meta"]


async def test_its_turn_fails_with_a_code_and_its_session_goes_on_at_the_other_tier(
    own: Client, bereft: dict[str, Any]
) -> None:
    session = await own.open(agent_id=bereft["id"])

    failed = await own.ended(session, (await own.say(session, "Hello"))["chat_turn_id"])
    smart = await own.say(session, "Hello again", model_tier="SMART")

    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "provider_not_configured")
    assert (await own.ended(session, smart["chat_turn_id"]))["status"] == "COMPLETED"
