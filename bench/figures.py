"""Figures and how they are shown: medians, and how far the slow ones are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEADINGS = ("figure", "median", "p95", "p99", "unit", "note")


@dataclass(frozen=True)
class Figure:
    """A sample, of which the median, 95th and 99th percentile are shown, or a single value."""

    name: str
    unit: str
    values: Sequence[float]
    note: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        shares = (0.5,) if len(self.values) == 1 else (0.5, 0.95, 0.99)
        shown = [_number(percentile(self.values, share)) for share in shares] if self.values else ["none"]
        return (self.name, *shown, *[""] * (3 - len(shown)), self.unit, self.note)


def one(name: str, unit: str, value: float, note: str = "") -> Figure:
    return Figure(name, unit, (value,), note)


def percentile(values: Sequence[float], share: float) -> float:
    """By interpolation, so that the median of an even sample is the middle of the two."""
    found = sorted(values)
    place = (len(found) - 1) * share
    low = int(place)
    high = min(low + 1, len(found) - 1)
    return found[low] + (found[high] - found[low]) * (place - low)


def table(rows: Iterable[Figure]) -> str:
    """A Markdown table that can be read as it stands."""
    return aligned([HEADINGS, *(row.cells for row in rows)], numbers=(1, 2, 3))


def aligned(lines: Sequence[Sequence[str]], *, numbers: Sequence[int]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rule = ["-" * (width - 1) + (":" if at in numbers else "-") for at, width in enumerate(widths)]
    shown = [lines[0], rule, *lines[1:]]
    return "\n".join("| " + " | ".join(_padded(line, widths, numbers)) + " |" for line in shown)


def _padded(line: Sequence[str], widths: Sequence[int], numbers: Sequence[int]) -> list[str]:
    return [
        cell.rjust(width) if at in numbers else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"
