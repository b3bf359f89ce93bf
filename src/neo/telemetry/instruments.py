"""How every metric is made: one prefix, a fixed set of labels, buckets that fit what is timed."""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

PREFIX = "neo"
# Seconds, from one query to a request that waits for a lock.
SHORT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)
# Seconds, from a first token to the longest turns.
LONG_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

# Nobody uses the creation times of counters, and they double the response.
disable_created_metrics()  # type: ignore[no-untyped-call]


def counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(name, meaning, labels, namespace=PREFIX)


def gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(name, meaning, labels, namespace=PREFIX)


def histogram(name: str, meaning: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name, meaning, labels, namespace=PREFIX, buckets=buckets)
