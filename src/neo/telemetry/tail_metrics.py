"""Readers of event streams."""

from neo.telemetry.instruments import counter, gauge

_open = gauge("sse_open", "Tails that are open.")
_closed = counter(
    "sse_closed",
    "Tails that ended: done (its turn's end was told), left (sent away with retry:), gone (the client went), slow "
    "(the client did not read), broken (an error of ours).",
    "reason",
)
_resets = counter(
    "stream_resets",
    "Readers told to forget a turn that is told again: trimmed, lost, or a cursor from the future.",
    "reason",
)


def opened() -> None:
    _open.inc()


def closed(reason: str) -> None:
    _open.dec()
    _closed.labels(reason).inc()


def reset(reason: str) -> None:
    _resets.labels(reason).inc()
