"""Agno's AgentOS as it comes, with its SQLite session store and the benchmark's model."""

import os
from collections.abc import AsyncIterator
from typing import Any

from agno.agent import Agent
from agno.db.sqlite import AsyncSqliteDb
from agno.models.base import Model
from agno.models.message import Message
from agno.models.response import ModelResponse
from agno.os import AgentOS
from model import whole, words


class Scripted(Model):
    async def ainvoke_stream(
        self, messages: list[Message], *_: Any, **__: Any
    ) -> AsyncIterator[ModelResponse]:
        async for word in words(_asked(messages)):
            yield ModelResponse(role="assistant", content=word)

    async def ainvoke(self, messages: list[Message], *_: Any, **__: Any) -> ModelResponse:
        return ModelResponse(role="assistant", content=whole(_asked(messages)))

    def invoke(self, messages: list[Message], *_: Any, **__: Any) -> ModelResponse:
        return ModelResponse(role="assistant", content=whole(_asked(messages)))

    def invoke_stream(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("The benchmark asks asynchronously only.")

    def _parse_provider_response(self, response: Any, **_: Any) -> Any:
        return response

    def _parse_provider_response_delta(self, response: Any) -> Any:
        return response


def _asked(messages: list[Message]) -> str:
    return next(str(message.content) for message in reversed(messages) if message.role == "user")


agent = Agent(
    id="agent",
    model=Scripted(id="scripted"),
    db=AsyncSqliteDb(db_file=os.environ["DB_FILE"]),
    telemetry=False,
)
app = AgentOS(agents=[agent], telemetry=False).get_app()
