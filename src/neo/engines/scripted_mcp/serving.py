"""Runs the server, on the loopback only: whoever reaches it may direct it."""

import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware

from neo.engines.ports import LOOPBACK
from neo.engines.scripted_mcp.app import create_app
from neo.engines.scripted_mcp.script import Script
from neo.engines.scripted_model.connection import TransportProtocol

# Longer than any client keeps a connection, so that the client closes it and no call is lost.
KEEP_ALIVE_SECONDS = 120
# Answers that hang by design need no longer.
SHUTDOWN_SECONDS = 1
# A web page whose host name resolves to this machine must not direct it.
HOSTS = [LOOPBACK, "localhost"]


def serve(port: int, script: Script) -> None:
    uvicorn.run(
        TrustedHostMiddleware(create_app(script), allowed_hosts=HOSTS),
        host=LOOPBACK,
        port=port,
        http=TransportProtocol,
        loop="uvloop",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
