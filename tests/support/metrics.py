"""What Prometheus reads."""

from dataclasses import dataclass

import httpx2
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Metrics:
    """One reading; a sample that is not there counts as zero."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        return self.samples.get((f"neo_{name}", frozenset(labels.items())), 0.0)

    def total(self, name: str) -> float:
        return sum(value for (found, _), value in self.samples.items() if found == f"neo_{name}")

    def labels(self) -> set[str]:
        return {name for _, labels in self.samples for name, _ in labels}


async def read_metrics(*ports: int) -> Metrics:
    """All processes' together."""
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    async with httpx2.AsyncClient(timeout=10, trust_env=False, verify=False) as http:
        for port in ports:
            answer = await http.get(f"http://127.0.0.1:{port}/metrics")
            assert answer.status_code == 200, answer.text
            for family in text_string_to_metric_families(answer.text):
                for sample in family.samples:
                    key = (sample.name, frozenset(sample.labels.items()))
                    samples[key] = samples.get(key, 0.0) + sample.value
    return Metrics(samples)
