"""A real HTTP server that plays what a Neo server may do to a client: one act for each request, in order."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Stage:
    acts: list[Act]
    url: str = ""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def play(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.requests.append((f"{handler.command} {handler.path}", headers, body))
        self.acts.pop(0)(handler)

    @property
    def cursors(self) -> list[str | None]:
        return [headers.get("last-event-id") for _, headers, _ in self.requests]


@contextmanager
def stage(*acts: Act) -> Iterator[Stage]:
    play = Stage(list(acts))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            play.play(self)

        do_POST = do_GET  # noqa: N815 - the library's name.

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        play.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield play
        finally:
            server.shutdown()
            thread.join()


def tail(*chunks: dict[str, Any], first: int = 1, after: str = "", is_cut: bool = False) -> Act:
    """A tail of these chunks; cut, its connection breaks in the middle of a body."""
    frames = (f"id: 65537-{first + n}\ndata: {json.dumps(chunk)}\n\n" for n, chunk in enumerate(chunks))
    body = "".join(frames) + after

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        if is_cut:
            handler.send_header("content-length", str(len(body) + 100))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return act


def answer(status: int, body: dict[str, Any] | None = None, **headers: str) -> Act:
    raw = json.dumps(body).encode() if body is not None else b""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    return act


def silence(handler: BaseHTTPRequestHandler) -> None:
    """The request was read, and its answer is lost."""
    handler.close_connection = True
    handler.connection.close()
