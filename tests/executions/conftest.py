from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from support.client import Client
from support.people import People
from support.rows import Rows, Tenant

EXECUTIONS = "/public-api/executions"
DOOR = "/public-api/scripted-model/calls"


@dataclass(frozen=True)
class Talk:
    """A session of a tenant of its own, with a scripted agent."""

    tenant: Tenant
    account: Client
    session: str

    async def say(self, message: str) -> str:
        """The turn, once it has ended or waits."""
        accepted = await self.account.say(self.session, message)
        await self.account.ended(self.session, accepted["chat_turn_id"])
        return str(accepted["chat_turn_id"])

    async def decide(self, turn_id: str, decision: str = "APPROVED") -> None:
        for step in await self.steps(turn_id, type="TIL_REQUESTED"):
            answer = await self.account.http.post(
                f"{DOOR}/{step['tool_call_id']}", json={"decision": decision}
            )
            assert answer.status_code == 200, answer.text
        await self.ended(turn_id)

    async def ended(self, turn_id: str) -> dict[str, Any]:
        while True:
            turn = await self.account.ended(self.session, turn_id)
            if turn["status"] != "WAITING":
                return turn

    async def steps(self, path_id: str, **params: Any) -> list[dict[str, Any]]:
        answer = await self.account.http.get(f"{EXECUTIONS}/{path_id}/steps", params=params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    async def texts(self, **params: Any) -> list[str]:
        """The transcript's texts, as `GET messages` has them."""
        found = await self.account.messages(self.session, **params)
        return [
            "".join(part["text"] for part in one["parts"] if part["type"] == "text")
            for one in found["messages"]
        ]

    async def retry(self, turn_id: str) -> tuple[int, dict[str, Any]]:
        answer = await self.account.http.post(f"{EXECUTIONS}/{turn_id}/retry")
        body = answer.json()
        return answer.status_code, body["data"] if answer.is_success else body["error"]


TalkTo = Callable[[str], Awaitable[Talk]]


@pytest.fixture
def talk_to(people: People, rows: Rows) -> TalkTo:
    """Opens a session with an agent of this model."""

    async def talk(model: str) -> Talk:
        tenant = await rows.tenant()
        account = people.client(tenant.api_key)
        agent = await rows.agent(f"scripted:{model}", tenant_id=tenant.id)
        return Talk(tenant, account, await account.open(agent_id=agent))

    return talk
