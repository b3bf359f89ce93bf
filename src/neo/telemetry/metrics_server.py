"""`GET /metrics` on its own port and in its own thread, so that it answers while the event loop is blocked."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from neo.errors import Edge, Failure, Kind

PATH = "/metrics"


class MetricsNotServed(Failure):
    """The metrics' port cannot be listened on."""

    kind = Kind.UNAVAILABLE
    code = "metrics_not_served"
    remedy = "Choose another `NEO_METRICS_PORT`."
    edges = (Edge.COMMAND_LINE,)


@contextmanager
def metrics_served(host: str, port: int) -> Iterator[int]:
    """Serve the metrics for the length of the block; gives the port, which port 0 leaves to the machine."""
    try:
        server = make_server(host, port, _app, _Server6 if ":" in host else _Server, _SilentHandler)
    except OSError as error:
        raise MetricsNotServed(
            f"The metrics cannot be served on {host}:{port} ({error.strerror}): choose another NEO_METRICS_PORT."
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # The library's version asks a resolver for the machine's name, which may take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


class _SilentHandler(WSGIRequestHandler):
    # A client that sends nothing occupies a thread; this bounds for how long.
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name.
        """The scraper asks every few seconds: nothing to log."""


_metrics = make_wsgi_app()


def _app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] != PATH:
        start_response(f"{HTTPStatus.NOT_FOUND} Not Found", [("content-type", "text/plain")])
        return [b"Only /metrics is here.\n"]
    answer: Iterable[bytes] = _metrics(environ, start_response)
    return answer
