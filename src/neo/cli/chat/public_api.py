"""A thin client of the public API, for the terminal."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from neo.cli.chat.retry import Retry
from neo.errors import Edge, Failure, Kind

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS = 5.0
# Requests are answered in milliseconds; the server's own time-outs towards its engines are shorter than this.
ANSWER_SECONDS = 30.0
# Three keep-alive comments of the tail; a connection that is silent for longer is dead.
SILENCE_SECONDS_MAX = 45.0
AGENT = "NEO_SUPPORT"
SESSIONS = "/public-api/chat/sessions"

UNAUTHENTICATED, CONFLICT, TOO_MANY, BROKEN = 401, 409, 429, 500
DUPLICATE = "duplicate_client_message_id"
STREAM_TYPE = "text/event-stream"


class ServerNotReached(Failure):
    """`neo chat` gets no answer."""

    kind = Kind.UNAVAILABLE
    code = "server_not_reached"
    remedy = "Start it with `make run`, or pass `--url`."
    edges = (Edge.COMMAND_LINE,)


class NotNeo(Failure):
    """What answers `neo chat` is not Neo."""

    kind = Kind.INVALID
    code = "not_neo"
    remedy = "Check `--url`."
    edges = (Edge.COMMAND_LINE,)


class Refused(Failure):
    """`neo chat` was refused; the server's own code is shown."""

    # `answered` is that code.
    kind = Kind.INVALID
    code = "refused_by_server"
    remedy = "Look that code up in the first table."
    edges = (Edge.COMMAND_LINE,)

    def __init__(self, status: int, answered: str, message: str, request_id: str, **more: Any) -> None:
        self.status = status
        self.answered = answered
        self.reason = message
        self.request_id = request_id
        named = f" (request {request_id})" if request_id else ""
        super().__init__(f"{answered}: {message}{named}", **more)

    @property
    def may_pass(self) -> bool:
        return self.status == TOO_MANY or self.status >= BROKEN


@dataclass(frozen=True)
class Posted:
    turn_id: str
    since_cursor: str | None


class PublicApi:
    """`say` is called with a line of text when a wait is long enough for somebody at a terminal to notice."""

    def __init__(self, url: str, key: str, *, is_local: bool, say: Callable[[str], None]) -> None:
        import httpx2  # noqa: PLC0415 - imports of a second stay out of `--help`.

        self._url = url
        self._say = say
        self._client = httpx2.Client(
            base_url=url,
            headers={"authorization": f"Bearer {key}"},
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            # A proxy named in the environment cannot reach this machine's loopback.
            trust_env=not is_local,
        )

    def close(self) -> None:
        self._client.close()

    def retry(self) -> Retry:
        return Retry(self._say)

    def check(self) -> None:
        """Raises unless the server answers and knows the key."""
        self._data("GET", SESSIONS, params={"page_size": 1})

    def open_session(self) -> str:
        return str(self._data("POST", SESSIONS, json={"managed_agent_key": AGENT})["id"])

    def session(self, session_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._data("GET", f"{SESSIONS}/{session_id}")
        return found

    def newest_messages(self, session_id: str, count: int) -> list[dict[str, Any]]:
        """The last messages, oldest first."""
        newest = {"order": "desc", "page_size": count}
        page = self._data("GET", f"{SESSIONS}/{session_id}/messages", params=newest)
        return list(reversed(page["messages"]))

    def post(self, session_id: str, text: str, *, tier: str) -> Posted:
        """Post a message exactly once, with as many attempts as it takes: each has the same `client_message_id`."""
        body = {"message": text, "model_tier": tier, "client_message_id": str(uuid4())}
        retry = self.retry()
        while True:
            try:
                return self._post(session_id, body)
            except ServerNotReached as trouble:
                retry.wait(trouble)
            except Refused as trouble:
                if not trouble.may_pass:
                    raise
                retry.wait(trouble)

    @contextmanager
    def events(self, session_id: str, last_id: str | None) -> Iterator["httpx2.Response"]:
        """The open response of a tail, its status checked."""
        import httpx2  # noqa: PLC0415

        # A proxy that compresses the stream would delay events.
        headers = {"accept": STREAM_TYPE, "accept-encoding": "identity"}
        if last_id:
            headers["last-event-id"] = last_id
        timeout = httpx2.Timeout(SILENCE_SECONDS_MAX, connect=CONNECT_SECONDS)
        path = f"{SESSIONS}/{session_id}/events"
        with (
            self._reached(),
            self._client.stream("GET", path, headers=headers, timeout=timeout) as response,
        ):
            if not response.is_success:
                response.read()
                raise refusal(response)
            yield response

    def _post(self, session_id: str, body: Mapping[str, str]) -> Posted:
        try:
            accepted = self._data("POST", f"{SESSIONS}/{session_id}/messages", json=body)
        except Refused as refused:
            # An earlier attempt had arrived, and only its answer was lost.
            if refused.status != CONFLICT or refused.answered != DUPLICATE:
                raise
            accepted = refused.details
        return Posted(str(accepted["chat_turn_id"]), accepted["since_cursor"])

    def _data(self, method: str, path: str, **request: Any) -> Any:
        with self._reached():
            response = self._client.request(method, path, **request)
        if not response.is_success:
            raise refusal(response)
        try:
            return response.json()["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise NotNeo(f"What answers at {self._url} is not Neo. Check --url.") from error

    @contextmanager
    def _reached(self) -> Iterator[None]:
        import httpx2  # noqa: PLC0415

        try:
            yield
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise NotNeo(f"{self._url} is not an address. Pass --url, e.g. http://127.0.0.1:8600.") from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise ServerNotReached(
                f"No server answers at {self._url}: start it with `make run`, or pass --url."
            ) from error


def refusal(response: "httpx2.Response") -> Refused:
    """Why the server, or a proxy before it, refused a request, in one line."""
    error = _error_of(response)
    message = str(error.get("message") or response.reason_phrase or "The server refused.")
    if response.status_code == UNAUTHENTICATED:
        message += " Pass a valid key with --key: `neo keys create` makes one."
    details = error.get("details")
    return Refused(
        response.status_code,
        str(error.get("code") or f"http_{response.status_code}"),
        message,
        response.headers.get("x-request-id", ""),
        details=details if isinstance(details, dict) else None,
        retry_after_seconds=_whole_seconds(response.headers.get("retry-after", "")),
    )


def _error_of(response: "httpx2.Response") -> dict[str, Any]:
    try:
        error = json.loads(response.content)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def _whole_seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
