"""The server's routes."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from email.utils import formatdate
from time import time
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from neo.engines.scripted_model.asked import (
    Asked,
    MalformedCallError,
    read_chat,
    read_messages,
    read_responses,
)
from neo.engines.scripted_model.chat_voice import Chat
from neo.engines.scripted_model.connection import Connection
from neo.engines.scripted_model.memory import SHOWN_CHARACTERS_MAX, Call, Exchange, Memory
from neo.engines.scripted_model.messages_voice import Messages
from neo.engines.scripted_model.perform import Performance
from neo.engines.scripted_model.reply import compose, exchange
from neo.engines.scripted_model.responses_voice import Responses
from neo.engines.scripted_model.scenario import Scenario, UnknownScenarioError
from neo.engines.scripted_model.voice import Dialect

_JSON = {"content-type": "application/json"}
_FORGOTTEN = "previous_response_not_found"


class Refusal(Exception):
    def __init__(self, status: int, code: str | None, message: str, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


class Speaks:
    """The ASGI endpoint of one dialect."""

    def __init__(self, dialect: Dialect, read: Callable[[Mapping[str, Any]], Asked], memory: Memory) -> None:
        self._dialect = dialect
        self._read = read
        self._memory = memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(scope, receive, send)
        call: Call | None = None
        try:
            asked = self._asked(await Request(scope, receive).body())
            call = self._note(asked)
            await self._answer(asked, call, connection)
        except Refusal as refused:
            if call is not None:
                call.status, call.ended = refused.status, True
            body = orjson.dumps(self._dialect.refusal(refused.status, refused.code, refused.message))
            await connection.start(refused.status, {**_JSON, **refused.headers})
            await connection.end(body)

    def _asked(self, body: bytes) -> Asked:
        try:
            return self._read(orjson.loads(body))
        except (orjson.JSONDecodeError, MalformedCallError, AttributeError) as error:
            raise Refusal(400, None, str(error), {}) from error

    def _note(self, asked: Asked) -> Call:
        call = Call(
            model=asked.model,
            dialect=self._dialect.name,
            previous_response_id=asked.previous_response_id,
            input_messages=asked.message_count,
            stream=asked.stream,
            text=asked.users[-1][:SHOWN_CHARACTERS_MAX] if asked.users else "",
            images=asked.images,
        )
        self._memory.calls.append(call)
        return call

    async def _answer(self, asked: Asked, call: Call, connection: Connection) -> None:
        scenario = _scenario(asked.model)
        goes_wrong = self._goes_wrong(scenario, asked)
        if goes_wrong and scenario.status is not None:
            raise Refusal(
                scenario.status, scenario.code, "The scenario refuses this call.", _retry_headers(scenario)
            )
        remembered = self._remembered(asked, forget=goes_wrong and scenario.forget)
        reply = compose(asked, scenario, remembered)
        if not asked.stream:
            await asyncio.sleep(scenario.first_ms / 1000)
            await connection.start(200, _JSON)
            await connection.end(orjson.dumps(self._dialect.whole(reply)))
            call.ended = True
        else:
            performance = Performance(scenario, self._memory, connection, self._dialect.voice(reply))
            play = performance.play(reply, scenario.trouble if goes_wrong else None)
            # Watching for the client costs a task, which an answer in one write does not need.
            call.ended = await (_while_there(play, connection, call) if scenario.takes_time else play)
        if call.ended and asked.remembers:
            self._memory.remember(f"resp_{reply.id}", exchange(asked, reply, remembered))

    def _goes_wrong(self, scenario: Scenario, asked: Asked) -> bool:
        if scenario.times is None:
            return True
        return self._memory.count(scenario.key or asked.model) <= scenario.times

    def _remembered(self, asked: Asked, *, forget: bool) -> Exchange | None:
        if asked.previous_response_id is None:
            return None
        found = None if forget else self._memory.find_exchange(asked.previous_response_id)
        if found is None:
            message = f"Previous response with id '{asked.previous_response_id}' not found."
            raise Refusal(400, _FORGOTTEN, message, {})
        return found


async def _while_there(play: Any, connection: Connection, call: Call) -> bool:
    """Plays until the end or until the client has gone; whether it was the end."""
    playing: asyncio.Task[bool] = asyncio.ensure_future(play)
    leaving = asyncio.create_task(connection.gone())
    await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    if playing.done():
        leaving.cancel()
        return playing.result()
    playing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await playing
    call.disconnected = not connection.is_broken
    return False


def _scenario(model: str) -> Scenario:
    try:
        return Scenario.parse(model)
    except UnknownScenarioError as error:
        raise Refusal(404, "model_not_found", str(error), {}) from error


def _retry_headers(scenario: Scenario) -> dict[str, str]:
    if scenario.retry_after is not None:
        return {"retry-after": str(scenario.retry_after)}
    if scenario.retry_date is not None:
        return {"retry-after": formatdate(time() + scenario.retry_date, usegmt=True)}
    return {}


class Control:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def health(self, _: Request) -> Response:
        return _json({"status": "ok"})

    async def waiting(self, request: Request) -> Response:
        return _json({"waiting": self._memory.waiting(request.query_params.get("gate", "default"))})

    async def release(self, request: Request) -> Response:
        return _json({"released": self._memory.release(request.query_params.get("gate", "default"))})

    async def calls(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._memory.calls.clear()
            return Response(status_code=204)
        model = request.query_params.get("model")
        wanted = [asdict(call) for call in self._memory.calls if model in (None, call.model)]
        return _json({"calls": wanted})


def _json(data: dict[str, Any]) -> Response:
    return Response(orjson.dumps(data), media_type="application/json")


def create_app() -> Router:
    memory = Memory()
    control = Control(memory)
    responses = Speaks(Responses(), read_responses, memory)
    chat = Speaks(Chat(), read_chat, memory)
    # Azure's clients put the same two dialects below `/openai`.
    # No middlewares: each would be called for every token.
    return Router(
        routes=[
            *[Route(path, responses, methods=["POST"]) for path in _paths("responses")],
            *[Route(path, chat, methods=["POST"]) for path in _paths("chat/completions")],
            Route("/v1/messages", Speaks(Messages(), read_messages, memory), methods=["POST"]),
            Route("/health", control.health),
            Route("/control/waiting", control.waiting),
            Route("/control/release", control.release, methods=["POST"]),
            Route("/control/calls", control.calls, methods=["GET", "DELETE"]),
        ],
    )


def _paths(name: str) -> list[str]:
    return [f"/v1/{name}", f"/openai/{name}", f"/openai/v1/{name}", f"/openai/deployments/{{_}}/{name}"]
