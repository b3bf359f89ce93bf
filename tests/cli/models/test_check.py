"""`neo models check` against real servers that refuse what real servers refuse."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.models.model_server import Answer, called, chat_called, chat_said, model_server, refusal, said
from cli.neo_command import Ended, neo

SECRET = "sk-not-to-be-told-0123456789"
FILE = """
[models.fast]
dialect = "{dialect}"
url = "{url}/v1"
key = "env:CHECKED_KEY"
model = "some-model"
"""


def is_image(body: dict[str, Any]) -> bool:
    return "input_image" in json.dumps(body)


def good(body: dict[str, Any]) -> tuple[int, bytes]:
    if body.get("tools"):
        return called(body["tools"][0]["name"])
    return said("It is red." if is_image(body) else "one two three")


def blind(body: dict[str, Any]) -> tuple[int, bytes]:
    return refusal("no images here") if is_image(body) else good(body)


def without_tools(body: dict[str, Any]) -> tuple[int, bytes]:
    return refusal("no tools here") if body.get("tools") else good(body)


def short(body: dict[str, Any]) -> tuple[int, bytes]:
    return refusal("max_output_tokens is too large") if body["max_output_tokens"] > 4096 else good(body)


async def checked(
    tmp_path: Path, answers: dict[str, Any], *words: str, dialect: str = "responses", said: str = ""
) -> tuple[Ended, list[tuple[str, dict[str, Any]]], set[str]]:
    async with model_server(answers) as server:
        path = tmp_path / "models.toml"
        path.write_text(FILE.format(dialect=dialect, url=server.url) + said)
        ended = await neo("models", "check", *words, NEO_MODELS_FILE=str(path), CHECKED_KEY=SECRET)
        return ended, server.asked, server.keys


def states(ended: Ended) -> dict[str, str]:
    return {check["name"]: check["state"] for check in json.loads(ended.out)["checks"]}


@pytest.mark.parametrize(
    ("answer", "expected", "lines"),
    [
        (good, {"answer": "ok", "tools": "ok", "images": "ok"}, []),
        (blind, {"answer": "ok", "tools": "ok", "images": "warning"}, ["sees_images = false"]),
        (without_tools, {"answer": "ok", "tools": "warning", "images": "ok"}, ["takes_tools = false"]),
        (
            short,
            {"answer": "ok", "answer_tokens": "warning", "tools": "ok", "images": "ok"},
            ["answer_tokens = 4096"],
        ),
    ],
)
async def test_what_a_model_refuses_becomes_a_line(
    tmp_path: Path, answer: Answer, expected: dict[str, str], lines: list[str]
) -> None:
    ended, _, keys = await checked(tmp_path, {"/v1/responses": answer}, "fast", "--json")

    found = json.loads(ended.out)
    assert (ended.code, states(ended)) == (0, {"window": "skipped", **expected})
    written = found["lines"].splitlines()
    assert written[0] == "[models.fast]"
    assert 'key = "env:CHECKED_KEY"' in written
    assert set(lines) <= set(written)
    assert len(written) == 5 + len(lines)
    assert keys == {SECRET}
    assert SECRET not in ended.out + ended.stderr


def chats(body: dict[str, Any]) -> tuple[int, bytes]:
    return chat_called(body["tools"][0]["function"]["name"]) if body.get("tools") else chat_said("It is red.")


def unless(words: str, refused: Callable[[dict[str, Any]], bool]) -> Answer:
    return lambda body: refusal(words) if refused(body) else chats(body)


def has_system_role(body: dict[str, Any]) -> bool:
    return bool(body["messages"][0]["role"] == "system")


def most(body: dict[str, Any]) -> int:
    return int(body.get("max_tokens") or body["max_completion_tokens"])


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (chats, []),
        (
            unless("stream_options is not supported", lambda body: "stream_options" in body),
            ["stream_options = false"],
        ),
        (unless("System role not supported", has_system_role), ['system_role = "none"']),
        (
            unless(
                "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
                lambda body: "max_tokens" in body,
            ),
            ['answer_limit = "max_completion_tokens"'],
        ),
        # Servers that do not say what they refuse.
        (unless("no", lambda body: "stream_options" in body), ["stream_options = false"]),
        (unless("no", has_system_role), ['system_role = "none"']),
        (unless("no", lambda body: most(body) > 5000), ["answer_tokens = 4096"]),
        (
            unless(
                "This model's maximum context length is 8192 tokens. However, you requested 16500 tokens.",
                lambda body: most(body) > 8000,
            ),
            ["context_tokens = 8192", "answer_tokens = 4096"],
        ),
    ],
)
async def test_a_server_of_chat_completions_is_called_as_it_wants_it(
    tmp_path: Path, answer: Answer, lines: list[str]
) -> None:
    ended, _, _ = await checked(
        tmp_path, {"/v1/chat/completions": answer}, "fast", "--json", dialect="chat_completions"
    )

    found = json.loads(ended.out)
    assert (ended.code, states(ended)["answer"], states(ended)["tools"]) == (0, "ok", "ok")
    assert sorted(found["lines"].splitlines()[5:]) == sorted(lines)


VLLM = {"data": [{"id": "some-model", "object": "model", "owned_by": "vllm", "max_model_len": 8192}]}
LLAMA_CPP = {"default_generation_settings": {"n_ctx": 8192}, "modalities": {"vision": False}}
OLLAMA = {
    "model_info": {"qwen3.context_length": 40960},
    "capabilities": ["completion", "tools", "thinking"],
    "parameters": "stop  <|im_end|>\nnum_ctx  8192",
}
OPENROUTER = {
    "data": [
        {
            "id": "some-model",
            "context_length": 16_384,
            "top_provider": {"context_length": 8192, "max_completion_tokens": 4096},
            "architecture": {"input_modalities": ["text", "image"]},
            "supported_parameters": ["tools", "reasoning"],
            "pricing": {"prompt": "0.0000005", "completion": "0.0000015", "input_cache_read": "0.0000001"},
        }
    ]
}
STUDIO = {
    "data": [{"id": "some-model", "type": "vlm", "max_context_length": 32768, "loaded_context_length": 8192}]
}


@pytest.mark.parametrize(
    ("answers", "server", "lines"),
    [
        ({"/v1/models": VLLM}, "vLLM", []),
        ({"/props": LLAMA_CPP}, "llama.cpp", ["sees_images = false"]),
        (
            {"/api/show": OLLAMA},
            "Ollama",
            ["sees_images = false", "reasons = true", "takes_tools = true"],
        ),
        (
            {
                "/api/show": OLLAMA | {"parameters": ""},
                "/api/ps": {"models": [{"model": "some-model", "context_length": 8192}]},
            },
            "Ollama",
            ["reasons = true"],
        ),
        ({"/api/v0/models": STUDIO}, "LM Studio", ["sees_images = true"]),
        (
            {"/v1/models": OPENROUTER},
            "The server",
            ["answer_tokens = 4096", "price = { input = 0.5, cached = 0.1, output = 1.5 }"],
        ),
    ],
)
async def test_a_server_says_its_window(
    tmp_path: Path, answers: dict[str, Any], server: str, lines: list[str]
) -> None:
    ended, asked, _ = await checked(tmp_path, {"/v1/responses": good, **answers}, "fast")

    assert ended.code == 0
    assert f"{server} says 8,192 tokens, and 128,000 are assumed." in ended.out
    assert {"context_tokens = 8192", *lines} <= set(ended.out.splitlines())
    calls = [body for path, body in asked if path == "/v1/responses"]
    assert {call["max_output_tokens"] for call in calls} == {4096}


@pytest.mark.parametrize(
    ("answer", "code", "step"),
    [
        (lambda _: refusal("no such model", 404), "provider_misconfigured", "correct its `url`"),
        (lambda _: refusal(f"bad key {SECRET}", 401), "provider_misconfigured", "correct its `key`"),
        (lambda _: refusal("not yours", 403), "provider_misconfigured", "may use this `model`"),
        (lambda _: refusal("never", 400), "provider_rejected", "`dialect`"),
        (lambda _: refusal("broken", 500), "provider_unavailable", "is up"),
        (lambda _: (200, b"<html>Welcome</html>"), "provider_incomplete", "not to a web page"),
    ],
)
async def test_a_model_that_does_not_answer_is_a_problem(
    tmp_path: Path, answer: Answer, code: str, step: str
) -> None:
    ended, _, _ = await checked(tmp_path, {"/v1/responses": answer}, "fast", "--json")

    assert (ended.code, states(ended)["answer"]) == (1, "problem")
    assert code in ended.out
    verdict = json.loads(ended.out)["checks"][-1]
    assert step in verdict["next_step"]
    assert "administrator" not in ended.out
    assert json.loads(ended.out)["lines"] is None
    assert SECRET not in ended.out + ended.stderr


async def test_a_model_that_takes_its_time_is_waited_for_aloud(tmp_path: Path) -> None:
    def slow(body: dict[str, Any]) -> tuple[int, bytes]:
        time.sleep(0 if body.get("tools") or is_image(body) else 1.3)
        return good(body)

    ended, _, _ = await checked(tmp_path, {"/v1/responses": slow}, "fast")

    assert ended.code == 0
    assert set(ended.stderr.splitlines()) == {"waiting for fast ..."}


async def test_a_name_that_is_not_listed_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    ended, asked, _ = await checked(tmp_path, {}, "fats")

    assert (ended.code, asked) == (1, [])
    assert ended.stderr.strip() == (
        "neo: This server has no model of that name. Did you mean `fast`? It has: fast."
    )


async def test_a_mistake_of_the_file_is_one_sentence(tmp_path: Path) -> None:
    ended, _, _ = await checked(tmp_path, {}, said="contex_tokens = 8192")

    path = tmp_path / "models.toml"
    assert (ended.code, ended.out) == (1, "")
    assert ended.stderr.strip() == (
        f"neo: {path}: model `fast`: `contex_tokens` is not a key. Did you mean `context_tokens`?"
    )


async def test_models_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_text(FILE.format(dialect="responses", url="http://127.0.0.1:1") + 'family = "gpt-5"')

    ended = await neo("models", "list", NEO_MODELS_FILE=str(path), CHECKED_KEY=SECRET)

    assert ended.out.strip() == (
        "fast  FAST and SMART  responses  272,000 tokens, 16,384 of them for an answer  "
        "sees_images reasons takes_tools"
    )
