"""What those who set agents up are told of a model: no address, no key."""

from collections.abc import Sequence
from dataclasses import dataclass

from neo.llm.chosen import Price
from neo.llm.model_list.choosing import answer_tokens_of, context_tokens_of, reasons, sees_images
from neo.llm.model_list.entry import ModelEntry
from neo.llm.providers import DialectName, ProviderSettings, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedModel:
    name: str
    dialect: DialectName
    context_tokens: int
    answer_tokens: int
    sees_images: bool
    reasons: bool | None
    takes_tools: bool
    price: Price | None
    tiers: Sequence[Tier]


def offered(entry: ModelEntry, tiers: Sequence[Tier], settings: ProviderSettings) -> OfferedModel:
    return OfferedModel(
        name=entry.name,
        dialect=entry.dialect,
        context_tokens=context_tokens_of(entry),
        answer_tokens=answer_tokens_of(entry, settings),
        sees_images=sees_images(entry),
        reasons=reasons(entry),
        takes_tools=entry.takes_tools is not False,
        price=entry.price,
        tiers=tiers,
    )
