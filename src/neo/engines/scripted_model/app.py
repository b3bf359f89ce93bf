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

from neo.engines.scripted_model.calls import MalformedRequestError, Rounds, judge_strictly
from neo.engines.scripted_model.chat_completions_dialect import ChatCompletionsDialect
from neo.engines.scripted_model.connection import Connection
from neo.engines.scripted_model.dialect import Dialect
from neo.engines.scripted_model.messages_dialect import MessagesDialect
from neo.engines.scripted_model.playback import Playback
from neo.engines.scripted_model.reply import compose, exchange
from neo.engines.scripted_model.request import (
    ModelRequest,
    read_chat,
    read_messages,
    read_responses,
)
from neo.engines.scripted_model.responses_dialect import ResponsesDialect
from neo.engines.scripted_model.scenario import Scenario, UnknownScenarioError
from neo.engines.scripted_model.state import SHOWN_CHARACTERS_MAX, Call, Exchange, ServerState

_JSON = {"content-type": "application/json"}
_FORGOTTEN = "previous_response_not_found"


class Refusal(Exception):
    def __init__(self, status: int, code: str | None, message: str, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


class DialectEndpoint:
    """The ASGI endpoint of one dialect."""

    def __init__(
        self, dialect: Dialect, read: Callable[[Mapping[str, Any]], ModelRequest], state: ServerState
    ) -> None:
        self._dialect = dialect
        self._read = read
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(scope, receive, send)
        call: Call | None = None
        try:
            request = self._read_request(await Request(scope, receive).body())
            call = self._note(request)
            await self._answer(request, call, connection)
        except Refusal as refused:
            if call is not None:
                call.status, call.ended = refused.status, True
            body = orjson.dumps(self._dialect.error_body(refused.status, refused.code, refused.message))
            await connection.start(refused.status, {**_JSON, **refused.headers})
            await connection.end(body)

    def _read_request(self, body: bytes) -> ModelRequest:
        try:
            return self._read(orjson.loads(body))
        except (orjson.JSONDecodeError, MalformedRequestError, AttributeError) as error:
            raise Refusal(400, None, str(error), {}) from error

    def _note(self, request: ModelRequest) -> Call:
        call = Call(
            model=request.model,
            dialect=self._dialect.name,
            previous_response_id=request.previous_response_id,
            input_messages=request.message_count,
            stream=request.stream,
            text=request.users[-1][:SHOWN_CHARACTERS_MAX] if request.users else "",
            images=request.images,
            outcomes=tuple(
                item.text[:SHOWN_CHARACTERS_MAX] for item in request.items if item.kind == "outcome"
            ),
        )
        self._state.calls.append(call)
        return call

    async def _answer(self, request: ModelRequest, call: Call, connection: Connection) -> None:
        scenario = _scenario(request.model)
        remembered = self._remembered(request)
        if remembered is not None and not call.text:
            # Outcomes only: the message that they belong to was sent before.
            call.text = "".join(remembered.users_so_far()[-1:])[:SHOWN_CHARACTERS_MAX]
        rounds = _judged(request, remembered, is_strict=scenario.strict)
        is_faulty = scenario.interrupts(rounds.count) and self._is_faulty(scenario, request)
        if is_faulty and scenario.status is not None:
            raise Refusal(
                scenario.status, scenario.code, "The scenario refuses this call.", _retry_headers(scenario)
            )
        if is_faulty and scenario.forget and remembered is not None:
            raise _forgotten(request)
        reply = compose(request, scenario, remembered, rounds)
        if not request.stream:
            await asyncio.sleep(scenario.first_ms / 1000)
            await connection.start(200, _JSON)
            await connection.end(orjson.dumps(self._dialect.body(reply)))
            call.ended = True
        else:
            played = scenario if scenario.interrupts(rounds.count) else scenario.without_interruptions()
            playback = Playback(played, self._state, connection, self._dialect.writer(reply))
            play = playback.play(reply, scenario.fault if is_faulty else None)
            # Watching for the client's disconnect costs a task, which an answer in one write does not need.
            call.ended = await (_until_disconnected(play, connection, call) if scenario.takes_time else play)
        if call.ended and request.remembers:
            self._state.remember(f"resp_{reply.id}", exchange(request, reply, remembered, rounds))

    def _is_faulty(self, scenario: Scenario, request: ModelRequest) -> bool:
        if scenario.times is None:
            return True
        return self._state.count(scenario.key or request.model) <= scenario.times

    def _remembered(self, request: ModelRequest) -> Exchange | None:
        if request.previous_response_id is None:
            return None
        found = self._state.find_exchange(request.previous_response_id)
        if found is None:
            raise _forgotten(request)
        return found


def _forgotten(request: ModelRequest) -> Refusal:
    message = f"Previous response with id '{request.previous_response_id}' not found."
    return Refusal(400, _FORGOTTEN, message, {})


def _judged(request: ModelRequest, remembered: Exchange | None, *, is_strict: bool) -> Rounds:
    rounds = Rounds(remembered.asked, remembered.rounds) if remembered else Rounds()
    try:
        if is_strict:
            judge_strictly(request.items, has_tools=bool(request.tools))
        return rounds.read(request.items)
    except MalformedRequestError as error:
        raise Refusal(400, None, str(error), {}) from error


async def _until_disconnected(play: Any, connection: Connection, call: Call) -> bool:
    """Plays until the end or until the client disconnects. Returns whether it came to the end."""
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
    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def health(self, _: Request) -> Response:
        return _json({"status": "ok"})

    async def waiting(self, request: Request) -> Response:
        return _json({"waiting": self._state.waiting(request.query_params.get("gate", "default"))})

    async def release(self, request: Request) -> Response:
        return _json({"released": self._state.release(request.query_params.get("gate", "default"))})

    async def calls(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._state.calls.clear()
            return Response(status_code=204)
        model = request.query_params.get("model")
        wanted = [asdict(call) for call in self._state.calls if model in (None, call.model)]
        return _json({"calls": wanted})


def _json(data: dict[str, Any]) -> Response:
    return Response(orjson.dumps(data), media_type="application/json")


def create_app() -> Router:
    state = ServerState()
    control = Control(state)
    responses = DialectEndpoint(ResponsesDialect(), read_responses, state)
    chat = DialectEndpoint(ChatCompletionsDialect(), read_chat, state)
    # Azure's clients put the same two dialects below `/openai`.
    # No middlewares: each would be called for every token.
    return Router(
        routes=[
            *[Route(path, responses, methods=["POST"]) for path in _paths("responses")],
            *[Route(path, chat, methods=["POST"]) for path in _paths("chat/completions")],
            Route("/v1/messages", DialectEndpoint(MessagesDialect(), read_messages, state), methods=["POST"]),
            Route("/health", control.health),
            Route("/control/waiting", control.waiting),
            Route("/control/release", control.release, methods=["POST"]),
            Route("/control/calls", control.calls, methods=["GET", "DELETE"]),
        ],
    )


def _paths(name: str) -> list[str]:
    return [f"/v1/{name}", f"/openai/{name}", f"/openai/v1/{name}", f"/openai/deployments/{{_}}/{name}"]
