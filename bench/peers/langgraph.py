"""LangGraph's dev server: keeps everything in memory. One user waits about a second for its queue's idle poll."""

import re
from collections.abc import Mapping

from bench.peers.peer import APPS, Peer, Speech


def _turn(_thread: str, message: str) -> Mapping[str, object]:
    said = {"messages": [{"role": "user", "content": message}]}
    return {"assistant_id": "agent", "input": said, "stream_mode": ["messages-tuple"]}


SPEECH = Speech(
    # The whole message comes once more at the end, as a message and not as a chunk of one.
    text=re.compile(rb'"content": ?"([^"]*)"[^\n]{0,200}?"type": ?"AIMessageChunk"'),
    path="/threads/{thread}/runs/stream",
    body=_turn,
    thread_path="/threads",
    thread_name="thread_id",
)
PEER = Peer(
    name="langgraph",
    packages=(
        *("langgraph-cli[inmem]==0.4.40", "langgraph-api==0.16.7", "langgraph-runtime-inmem==0.36.7"),
        "langgraph==1.2.22",
    ),
    speech=SPEECH,
    arguments=lambda port: (
        *("-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--port", str(port)),
        *("--config", str(APPS / "langgraph.json"), "--n-jobs-per-worker", "256"),
    ),
    health="/ok",
    environment={"LANGSMITH_TRACING": "false", "LANGGRAPH_CLI_NO_ANALYTICS": "1"},
    note="dev server, 256 jobs; in memory",
)
