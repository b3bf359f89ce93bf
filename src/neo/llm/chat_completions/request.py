"""A prompt as the body of a call to chat completions, and where it is sent."""

from functools import lru_cache
from typing import Any
from urllib.parse import quote

import httpx2
import orjson

from neo.llm.chat_completions.messages import messages
from neo.llm.chosen import ChosenModel
from neo.llm.dialect import Endpoint, json_headers
from neo.llm.model_families import reasoning
from neo.llm.prompt import Prompt, Tool
from neo.llm.providers import Address
from neo.llm.tools import SentTools, told


def endpoint(chosen: ChosenModel) -> Endpoint:
    return _endpoint(chosen.address, chosen.name if chosen.address.azure_api_version else "")


@lru_cache
def _endpoint(address: Address, deployment: str) -> Endpoint:
    base = address.base_url.rstrip("/")
    if address.azure_api_version:
        path = f"openai/deployments/{quote(deployment, safe='')}/chat/completions"
        url = f"{base}/{path}?api-version={quote(address.azure_api_version)}"
        return Endpoint(httpx2.URL(url), json_headers(address, key_header="api-key"))
    return Endpoint(httpx2.URL(f"{base}/chat/completions"), json_headers(address))


def request_body(chosen: ChosenModel, prompt: Prompt, _: str | None) -> bytes:
    """No server keeps what was said, so each call has the whole transcript."""
    sent = SentTools.of(prompt)
    body = {
        "model": chosen.name,
        "stream": True,
        "stream_options": {"include_usage": True} if chosen.traits.stream_options else None,
        "messages": messages(chosen, prompt),
        "tools": [_tool(tool, chosen) for tool in sent.tools] or None,
        "tool_choice": "none" if sent.tools and not sent.may_be_called else None,
        chosen.traits.answer_limit: chosen.answer_tokens_max,
        "reasoning_effort": reasoning(chosen).get("effort"),
    }
    return orjson.dumps({name: value for name, value in body.items() if value is not None})


def _tool(tool: Tool, chosen: ChosenModel) -> dict[str, Any]:
    function = told(tool, chosen, schema_name="parameters")
    # Gemini takes no object without properties, so a tool without arguments says nothing of them.
    if chosen.traits.tool_schemas == "plain" and not function["parameters"]["properties"]:
        del function["parameters"]
    return {"type": "function", "function": function}
