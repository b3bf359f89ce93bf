"""OpenAI ChatKit, self-hosted: the store is the user's own, here in memory; the answer lives in the response."""

import re
from collections.abc import Mapping

from bench.peers.peer import Peer, Speech


def _turn(thread: str, message: str) -> Mapping[str, object]:
    content = [{"type": "input_text", "text": message}]
    said = {"content": content, "attachments": [], "inference_options": {}}
    return {"type": "threads.add_user_message", "params": {"thread_id": thread, "input": said}}


PEER = Peer(
    name="chatkit",
    packages=(
        *("openai-chatkit==1.6.5", "fastapi==0.165.0", "starlette==1.10.0", "uvicorn==0.54.0"),
        *("uvloop==0.23.0", "httptools==0.9.0"),
    ),
    speech=Speech(
        text=re.compile(rb'"delta": ?"([^"]*)"'),
        path="/chatkit",
        body=_turn,
        thread_path="/threads",
        thread_name="thread_id",
    ),
    arguments=lambda port: (
        "-m",
        "uvicorn",
        "chatkit_app:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ),
    health="/health",
    note="store in memory; not durable",
)
