"""`neo models discover` against servers like those that people run."""

import asyncio
import json
from pathlib import Path

import pytest

from cli.models.model_server import model_server, refusal
from cli.neo_command import neo
from neo.cli.models.discovery import NoModelServer, discover_servers
from neo.llm import read_models_file
from neo.llm.trial.discover import LIKELY
from neo.llm.trial.fetching import Fetching

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


async def test_each_server_that_does_not_answer_is_named_and_names_do_not_clash(tmp_path: Path) -> None:
    closed = {"/v1/models": lambda _: refusal("who are you?", 401)}
    bare = OLLAMA | {"/api/show": {"model_info": {"a": 1}}}
    async with (
        model_server(bare) as one,
        model_server(VLLM) as two,
        model_server(VLLM) as three,
        model_server(closed) as four,
    ):
        at = [one.url, two.url.removeprefix("http://"), three.url, four.url, "127.0.0.1:1"]
        words = [word for url in at for word in ("--at", url)]
        ended = await neo("models", "discover", *words, "--key", "env:SERVERS_KEY", SERVERS_KEY="sk-1")

    assert ended.stderr.splitlines()[1:] == [
        f"The server at {four.url}/v1 asks for a key, or for another one: give it with --key env:NAME.",
        "No server of models answers at http://127.0.0.1:1/v1.",
    ]
    assert (two.keys, four.keys) == ({"sk-1"}, {"sk-1"})
    path = tmp_path / "models.toml"
    path.write_text(ended.out)
    entries = read_models_file(str(path)).entries
    assert list(entries) == ["qwen3-8b", "nomic-embed-text-latest", "Qwen3-32B", "Qwen3-32B-2"]
    assert {entry.said["key"] for entry in entries.values()} == {"env:SERVERS_KEY"}
    assert ended.out.count("say that window as context_tokens") == 2


@pytest.mark.parametrize("key", ["sk-not-to-be-told", "env:NOT_SET_ANYWHERE"])
async def test_a_key_is_given_by_reference(key: str) -> None:
    ended = await neo("models", "discover", "--key", key)

    assert (ended.code, ended.out) == (2, "")
    assert "sk-not" not in ended.stderr


async def test_a_server_that_drips_is_given_up() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.02)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, asyncio.timeout(30), Fetching(url, seconds=0.2) as fetching:
        assert await fetching.get(url) is None


def test_it_looks_where_servers_listen_by_default() -> None:
    assert {address.rpartition(":")[2]: name for address, name in LIKELY.items()} == {
        "11434": "Ollama",
        "1234": "LM Studio",
        "8080": "llama.cpp",
        "8000": "vLLM",
    }
