"""From what the file says of a model to its entry: with its address, and the key that its reference leads to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from neo.llm.errors import ModelsFileInvalid, ProviderNotConfigured
from neo.llm.model_list.entry import ModelEntry, entry_of
from neo.llm.model_list.file import FileEntry, ModelsFile
from neo.llm.model_list.references import KeyMissingError, fetched
from neo.llm.providers import NO_KEY, Address, DialectName, ModelSpec, Provider, ProviderSettings

_REGION = "global"
_AZURE = ".azure.com"
# What is said of a model itself, whoever provides it.
_OF_MODEL = (
    "family",
    "context_tokens",
    "answer_tokens",
    "sees_images",
    "reasons",
    "takes_tools",
    "system_role",
    "stream_options",
    "answer_limit",
    "thinking_seconds",
    "price",
)


def resolved(
    file: ModelsFile, settings: ProviderSettings, environment: Mapping[str, str]
) -> dict[str, ModelEntry]:
    """Raises `ModelsFileInvalid` for each key that its reference does not lead to."""
    mistakes = unresolved(file, settings, environment)
    if mistakes:
        raise ModelsFileInvalid(list(mistakes.values()))
    return {name: _entry(one, settings, environment) for name, one in file.entries.items()}


def unresolved(
    file: ModelsFile, settings: ProviderSettings, environment: Mapping[str, str]
) -> dict[str, str]:
    """By the model's name, what keeps it from being called."""
    found = {}
    for name, entry in file.entries.items():
        try:
            _entry(entry, settings, environment)
        except KeyMissingError as error:
            found[name] = file.sentence(name, f"`key`: {error}.")
        except ProviderNotConfigured as failure:
            found[name] = file.sentence(name, f"`provider`: {failure.message}")
    return found


def _entry(entry: FileEntry, settings: ProviderSettings, environment: Mapping[str, str]) -> ModelEntry:
    of_model = {key: entry.said[key] for key in _OF_MODEL if key in entry.said}
    if "provider" in entry.said:
        spec = ModelSpec(Provider(entry.said["provider"]), entry.said["model"])
        return replace(entry_of(spec, settings), name=entry.name, **of_model)
    dialect = DialectName(entry.said["dialect"])
    return ModelEntry(
        name=entry.name,
        provider=entry.name,
        dialect=dialect,
        address=_address(entry.said, environment),
        model=entry.said["model"],
        has_free_name="azure_api_version" in entry.said or _AZURE in entry.said["url"],
        continues=entry.said.get("continues", dialect is DialectName.RESPONSES),
        **of_model,
    )


def _address(said: Mapping[str, Any], environment: Mapping[str, str]) -> Address:
    key = fetched(said["key"], environment) if "key" in said else NO_KEY
    return Address(said["url"], key, said.get("region", _REGION), said.get("azure_api_version"))
