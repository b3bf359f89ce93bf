"""The ceiling: what the load client and uvicorn can do when nothing is stored and nobody is asked."""

import re

from bench.peers.peer import Peer, Speech

PEER = Peer(
    name="bare",
    packages=("uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0"),
    speech=Speech(
        text=re.compile(rb'"text":"([^"]*)"'),
        path="/turn",
        body=lambda _thread, message: {"message": message},
    ),
    arguments=lambda port: ("-m", "uvicorn", "bare_app:app", "--port", str(port), "--log-level", "warning"),
    health="/health",
    note="raw ASGI on uvicorn; stores nothing",
)
