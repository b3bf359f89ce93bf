"""Agno AgentOS: keeps the history in SQLite; nothing owns a turn when the process dies."""

import re

from bench.peers.peer import PLACE, Peer, Speech

PEER = Peer(
    name="agno",
    packages=(
        *("agno==3.1.10", "fastapi==0.165.0", "starlette==1.10.0", "uvicorn==0.54.0", "uvloop==0.23.0"),
        *("httptools==0.9.0", "sqlalchemy[asyncio]", "aiosqlite", "python-multipart", "openai"),
    ),
    speech=Speech(
        # Its last events repeat the whole answer: only the deltas count.
        text=re.compile(rb'"event": ?"RunContent".*?"content": ?"([^"]*)"'),
        path="/agents/agent/runs",
        body=lambda thread, message: {"message": message, "stream": "true", "session_id": thread},
        is_form=True,
    ),
    arguments=lambda port: ("-m", "uvicorn", "agno_app:app", "--port", str(port), "--log-level", "warning"),
    health="/health",
    environment={"DB_FILE": str(PLACE / "agno.db"), "AGNO_TELEMETRY": "false"},
    note="AgentOS, SQLite; history only",
)
