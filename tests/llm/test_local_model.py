"""One answer from the real small model, over its real server."""

import importlib.util
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from llm.llm_listening import Ask
from neo.llm import Models, ModelSpec, Prompt, ProviderSettings, Said

START_SECONDS_MAX = 30


@pytest.fixture(scope="module")
def local_model_url() -> Iterator[str]:
    if importlib.util.find_spec("neo.engines.local_model") is None:
        pytest.skip("There is no local model yet.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "neo.engines.local_model", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_healthy(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _wait_until_healthy(url: str, server: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < give_up_at and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("The local model's server did not start.")


async def test_the_small_model_answers_in_a_stream(ask: Ask, local_model_url: str) -> None:
    spec = ModelSpec.parse("local:smollm2-135m-instruct")
    settings = ProviderSettings(local_model_url=local_model_url, answer_tokens_max=24)
    models = Models(spec, spec, settings)
    transcript = (Said("user", "Hi, I am Ada."), Said("assistant", "Hello Ada!"))

    heard = await ask(
        str(spec), Prompt("Answer in one short sentence.", transcript, "Say hello."), through=models
    )

    assert heard.text.strip()
    assert len(heard.pieces) > 2
    assert heard.completed.finish_reason in ("stop", "length")
    assert heard.completed.input_tokens > 10
    assert 0 < heard.completed.output_tokens <= 24
    await models.aclose()
