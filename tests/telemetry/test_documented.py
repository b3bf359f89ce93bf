"""docs/observability.md has every metric with its labels, and no other."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

import neo.telemetry
from neo.telemetry.instruments import PREFIX

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "observability.md").read_text()
ROW = re.compile(r"^\| `(neo_\w+)` \|([^|]*)\|", re.MULTILINE)


def registered() -> dict[str, tuple[str, ...]]:
    """Each metric as Prometheus names it, and its labels."""
    assert neo.telemetry
    found = {}
    for collector in list(REGISTRY._collector_to_names):
        name, kind = getattr(collector, "_name", ""), getattr(collector, "_type", "")
        if name.startswith(f"{PREFIX}_"):
            found[f"{name}_total" if kind == "counter" else name] = collector._labelnames  # type: ignore[attr-defined]
    return found


def test_every_metric_is_documented_with_its_labels() -> None:
    documented = {name: re.findall(r"`(\w+)`", labels) for name, labels in ROW.findall(PAGE)}

    assert {name: list(labels) for name, labels in registered().items()} == documented
