"""What a server says of a model: its window and limits, in the forms of the servers that people run."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from neo.llm.chosen import Price
from neo.llm.providers import Address
from neo.llm.trial.fetching import Fetching

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """None: the server does not say."""

    server: str | None = None
    context_tokens: int | None = None
    answer_tokens: int | None = None
    sees_images: bool | None = None
    takes_tools: bool | None = None
    reasons: bool | None = None
    price: Price | None = None
    is_for_chat: bool = True

    def keys(self) -> dict[str, Any]:
        """By the keys of the operator's file."""
        names = [one.name for one in fields(self) if one.name not in ("server", "is_for_chat")]
        return {name: value for name in names if (value := getattr(self, name)) is not None}


async def told(address: Address, model: str) -> Told:
    """Asks in all forms at once: a server answers those that it knows."""
    base = address.base_url.rstrip("/")
    root = base.removesuffix("/v1")
    async with Fetching(base, address.api_key) as fetching:
        found = await asyncio.gather(
            fetching.get(f"{base}/models"),
            fetching.get(f"{root}/props"),
            fetching.post(f"{root}/api/show", {"model": model}),
            fetching.get(f"{root}/api/ps"),
            fetching.get(f"{root}/api/v0/models"),
        )
    models, props, show, running, studio = (answer if isinstance(answer, Mapping) else {} for answer in found)
    said = _listed(_item(models.get("data"), "id", model))
    # The more exact form comes later.
    for more in (
        _llama_cpp(props),
        _ollama(show, _item(running.get("models"), "model", model)),
        _lm_studio(_item(studio.get("data"), "id", model)),
    ):
        if more is not None:
            said = _joined(said, more)
    return said


def _listed(item: Mapping[str, Any]) -> Told:
    """vLLM, OpenRouter, Groq, Mistral, Anthropic and others, in the list of the models."""
    top = _mapping(item, "top_provider")
    parameters = item.get("supported_parameters")
    modalities = _mapping(item, "architecture").get("input_modalities")
    capabilities = _mapping(item, "capabilities")
    windows = ("max_model_len", "context_length", "context_window", "max_context_length", "max_input_tokens")
    return Told(
        server="vLLM" if item.get("owned_by") == "vllm" else None,
        context_tokens=_count(top.get("context_length"))
        or next(filter(None, (_count(item.get(w)) for w in windows)), None),
        answer_tokens=_count(top.get("max_completion_tokens")) or _count(item.get("max_completion_tokens")),
        sees_images=("image" in modalities)
        if isinstance(modalities, list)
        else _flag(capabilities.get("vision")),
        takes_tools=("tools" in parameters)
        if isinstance(parameters, list)
        else _flag(capabilities.get("function_calling")),
        reasons=("reasoning" in parameters) if isinstance(parameters, list) else None,
        price=_price(_mapping(item, "pricing")),
    )


def _llama_cpp(props: Mapping[str, Any]) -> Told | None:
    window = _count(_mapping(props, "default_generation_settings").get("n_ctx"))
    if window is None:
        return None
    return Told(
        server="llama.cpp",
        context_tokens=window,
        sees_images=_flag(_mapping(props, "modalities").get("vision")),
    )


def _ollama(show: Mapping[str, Any], running: Mapping[str, Any]) -> Told | None:
    info = _mapping(show, "model_info")
    if not info:
        return None
    capabilities = show.get("capabilities")
    can = capabilities if isinstance(capabilities, list) else None
    return Told(
        server="Ollama",
        # It runs a model with less than the model has, and cuts what is longer without a word.
        context_tokens=_count(running.get("context_length")) or _num_ctx(show.get("parameters")),
        sees_images=None if can is None else "vision" in can,
        takes_tools=None if can is None else "tools" in can,
        reasons=None if can is None else "thinking" in can,
        is_for_chat=can is None or "completion" in can,
    )


def _num_ctx(parameters: object) -> int | None:
    lines = parameters.splitlines() if isinstance(parameters, str) else []
    words = [line.split() for line in lines]
    values = [one[1] for one in words if len(one) == 2 and one[0] == "num_ctx"]  # noqa: PLR2004 - a name and a value.
    return _count(int(values[0])) if values and values[0].isdecimal() else None


def _lm_studio(item: Mapping[str, Any]) -> Told | None:
    window = _count(item.get("loaded_context_length")) or _count(item.get("max_context_length"))
    if window is None:
        return None
    capabilities = item.get("capabilities")
    return Told(
        server="LM Studio",
        context_tokens=window,
        sees_images=item.get("type") == "vlm",
        takes_tools="tool_use" in capabilities if isinstance(capabilities, list) else None,
        is_for_chat=item.get("type") != "embeddings",
    )


def _joined(first: Told, more: Told) -> Told:
    said = {one.name: value for one in fields(more) if (value := getattr(more, one.name)) is not None}
    return replace(first, **said)


def _item(items: object, key: str, wanted: str) -> Mapping[str, Any]:
    rows = [row for row in items if isinstance(row, Mapping)] if isinstance(items, list) else []
    return next((row for row in rows if row.get(key) == wanted), {})


def _mapping(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = found.get(key)
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _price(pricing: Mapping[str, Any]) -> Price | None:
    """OpenRouter's: of one token, as digits."""
    try:
        found = {
            name: Decimal(str(pricing[key])) * _MILLION
            for name, key in (("input", "prompt"), ("output", "completion"), ("cached", "input_cache_read"))
            if key in pricing
        }
    except InvalidOperation:
        return None
    is_whole = {"input", "output"} <= set(found) and all(
        one.is_finite() and one >= 0 for one in found.values()
    )
    return Price(**{name: one.normalize() for name, one in found.items()}) if is_whole else None
