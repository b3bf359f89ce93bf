"""Aegra: LangGraph's API on PostgreSQL, with a broker and workers on Redis; both are Neo's own embedded ones."""

from bench.peers.langgraph import SPEECH
from bench.peers.peer import APPS, Peer

PEER = Peer(
    name="aegra",
    # Its wheel needs 3.12; on 3.11 an old release would be installed without a word.
    python="3.12",
    packages=("aegra-api==0.11.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0"),
    speech=SPEECH,
    arguments=lambda port: (
        *("-m", "uvicorn", "aegra_api.main:app", "--port", str(port), "--log-level", "warning"),
        *("--app-dir", str(APPS)),
    ),
    health="/health",
    environment={
        "AUTH_TYPE": "noop",
        "ENV_MODE": "PRODUCTION",
        "LOG_LEVEL": "WARNING",
        "REDIS_BROKER_ENABLED": "true",
        "AEGRA_CONFIG": str(APPS / "aegra.json"),
    },
    note="PostgreSQL and Redis; durable",
    needs_engines=True,
)
