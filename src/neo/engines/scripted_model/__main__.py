"""`python -m neo.engines.scripted_model --port P`."""

import argparse

import uvicorn

from neo.engines.scripted_model.app import create_app
from neo.engines.scripted_model.connection import TransportProtocol

# Longer than any client keeps a connection, so that the client closes it and no call is lost.
KEEP_ALIVE_SECONDS = 120
# Answers that pause or hang by design need no longer.
SHUTDOWN_SECONDS = 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripted-model", description="A model server that plays a script.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    uvicorn.run(
        create_app(),
        host=options.host,
        port=options.port,
        http=TransportProtocol,
        loop="uvloop",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
