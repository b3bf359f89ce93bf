from pydantic import BaseModel, Field

from neo.kit import as_digits
from neo.llm import DialectName, OfferedModel, Tier


class ModelPrice(BaseModel):
    """What a million tokens cost, in the operator's currency, as decimal digits: `0.25`."""

    input: str
    cached: str | None = Field(description="Of input that the provider had kept. Null: as other input.")
    output: str


class ModelResource(BaseModel):
    """A model that an agent may be given."""

    name: str = Field(description="What an agent's `model` is to be.")
    dialect: DialectName = Field(description="The API through which Neo calls it.")
    context_tokens: int = Field(description="How much it reads and writes in all.")
    answer_tokens: int = Field(description="The longest answer that it is asked for.")
    sees_images: bool
    reasons: bool | None = Field(description="Whether it thinks before it answers. Null: not known.")
    takes_tools: bool
    tiers: list[Tier] = Field(description="The tiers at which it answers for agents without a model.")
    price: ModelPrice | None = Field(description="Null: the operator has named none.")


def shown_model(model: OfferedModel) -> ModelResource:
    price = model.price
    return ModelResource(
        name=model.name,
        dialect=model.dialect,
        context_tokens=model.context_tokens,
        answer_tokens=model.answer_tokens,
        sees_images=model.sees_images,
        reasons=model.reasons,
        takes_tools=model.takes_tools,
        tiers=list(model.tiers),
        price=None
        if price is None
        else ModelPrice(
            input=as_digits(price.input),
            cached=None if price.cached is None else as_digits(price.cached),
            output=as_digits(price.output),
        ),
    )
