"""`neo models discover` against servers like those that people run."""

import json
from pathlib import Path

import pytest

from cli.models.model_server import model_server
from cli.neo_command import neo
from neo.cli.models.discovery import NoModelServer, discover_servers
from neo.llm import read_models_file
from neo.llm.trial.discover import LIKELY

OLLAMA = {
    "/v1/models": {"data": [{"id": "qwen3:8b"}, {"id": "nomic-embed-text:latest"}]},
    "/api/show": lambda body: (
        200,
        json.dumps(
            {
                "model_info": {"general.architecture": "x"},
                "capabilities": ["embedding"] if "embed" in body["model"] else ["completion", "tools"],
                "parameters": "num_ctx 16384",
            }
        ).encode(),
    ),
}
VLLM = {"/v1/models": {"data": [{"id": "Qwen/Qwen3-32B", "owned_by": "vllm", "max_model_len": 32768}]}}


async def test_what_servers_serve_is_proposed_as_lines_that_the_file_takes(tmp_path: Path) -> None:
    async with model_server(OLLAMA) as ollama, model_server(VLLM) as vllm, model_server({}) as other:
        at = [word for url in (ollama.url, vllm.url, other.url) for word in ("--at", url)]
        ended = await neo("models", "discover", *at)

    assert ended.code == 0
    assert f"# Ollama at {ollama.url}/v1" in ended.out
    assert f"# vLLM at {vllm.url}/v1" in ended.out
    path = tmp_path / "models.toml"
    path.write_text(ended.out)
    entries = read_models_file(str(path)).entries
    assert {name: entry.said["context_tokens"] for name, entry in entries.items()} == {
        "qwen3-8b": 16_384,
        "Qwen3-32B": 32_768,
    }
    assert entries["qwen3-8b"].said["sees_images"] is False
    assert entries["qwen3-8b"].said["url"] == f"{ollama.url}/v1"


async def test_where_nothing_answers_it_says_where_it_looked() -> None:
    ended = await neo("models", "discover", "--at", "http://127.0.0.1:1")
    with pytest.raises(NoModelServer):
        await discover_servers(["127.0.0.1:1"], None, as_json=True)

    assert (ended.code, ended.out) == (1, "")
    assert ended.stderr.endswith("neo: No server of models answers at http://127.0.0.1:1/v1.\n")


def test_it_looks_where_servers_listen_by_default() -> None:
    assert {address.rpartition(":")[2]: name for address, name in LIKELY.items()} == {
        "11434": "Ollama",
        "1234": "LM Studio",
        "8080": "llama.cpp",
        "8000": "vLLM",
    }
