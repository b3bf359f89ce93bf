"""What a call costs by the price of its model."""

from decimal import Decimal

import pytest

from neo.kit import as_digits
from neo.llm import Price

PLAIN = Price(input=Decimal("2.50"), output=Decimal(10))
KEPT = Price(input=Decimal("2.50"), output=Decimal(10), cached=Decimal("0.25"))
FREE = Price(input=Decimal(0), output=Decimal(0))
TINY = Price(input=Decimal("0.0000001"), output=Decimal(0))


@pytest.mark.parametrize(
    ("price", "tokens", "cost"),
    [
        (PLAIN, (0, 0, 0), None),
        (PLAIN, (0, 100, 0), None),
        (PLAIN, (1_000_000, 0, 0), "2.5"),
        (PLAIN, (1_000, 100, 0), "0.0035"),
        (PLAIN, (1_000, 100, 600), "0.0035"),
        (KEPT, (1_000, 100, 600), "0.00215"),
        (KEPT, (1_000, 0, 1_000), "0.00025"),
        # More than there were: nothing is paid back.
        (KEPT, (1_000, 0, 5_000), "0.00025"),
        (FREE, (1_000, 100, 0), "0"),
        (TINY, (1, 0, 0), "0.0000000000001"),
        (PLAIN, (2**31 - 1, 2**31 - 1, 0), "26843.5455875"),
    ],
)
def test_each_kind_of_token_has_its_price(
    price: Price, tokens: tuple[int, int, int], cost: str | None
) -> None:
    given = dict(zip(("input_tokens", "output_tokens", "cached_tokens"), tokens, strict=True))

    assert price.cost(**given) == (None if cost is None else Decimal(cost))


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("0", "0"),
        ("0.0", "0"),
        ("0E-7", "0"),
        ("1E+3", "1000"),
        ("1E-7", "0.0000001"),
        ("2.50", "2.5"),
        ("10", "10"),
    ],
)
def test_a_cost_is_written_in_plain_digits(number: str, digits: str) -> None:
    assert as_digits(Decimal(number)) == digits
