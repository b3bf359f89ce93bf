"""Metrics of tails, the readers of event streams."""

from neo.telemetry.instruments import counter, gauge

_open = gauge("sse_open", "Tails that are open.")
_closed = counter(
    "sse_closed",
    "Tails that ended: done (the turn's end was sent), left (ended with retry:), gone (the client left), slow "
    "(the client did not read), broken (an error of ours).",
    "reason",
)
_resets = counter(
    "stream_resets",
    "Replays of a turn from its start, because its stream was trimmed, was lost, or is behind the cursor (future).",
    "reason",
)


def opened() -> None:
    _open.inc()


def closed(reason: str) -> None:
    _open.dec()
    _closed.labels(reason).inc()


def reset(reason: str) -> None:
    _resets.labels(reason).inc()
