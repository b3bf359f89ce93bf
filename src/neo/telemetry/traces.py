"""OpenTelemetry spans: one trace for each posted message, from its request to its answer's first event.

Nothing of the library is imported, and no span made, unless `tracing` was asked for an endpoint. A span
carries ids and measures, never what was said, a key, or a tenant's name.
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from neo.kit import is_loopback, redacted

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

# redis-py imports this wherever it is installed, for metrics that Neo does not use: a tenth of a second of every
# start. The None makes that import fail, until `tracing` needs the library.
UNUSED = "opentelemetry.sdk.metrics"
sys.modules.setdefault(UNUSED, None)  # type: ignore[arg-type]

TRACES_PATH = "/v1/traces"
FLUSH_MS = 2_000

Attribute = str | int | float | bool

_tracer: "Tracer | None" = None


class Spanned:
    """An open span, or a no-op while nothing is traced."""

    __slots__ = ("_span",)

    def __init__(self, span: "Span | None") -> None:
        self._span = span

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def say(self, **attributes: Attribute) -> None:
        """Add attributes to the span; `__` in a name stands for a dot."""
        if self._span is not None:
            self._span.set_attributes(_dotted(attributes))

    def rename(self, name: str) -> None:
        if self._span is not None:
            self._span.update_name(redacted(name))

    def fail(self, code: str) -> None:
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - see `_provider`.

            self._span.set_status(Status(StatusCode.ERROR, redacted(code)))

    def end(self) -> None:
        """End it before its block does; only the first end counts."""
        if self._span is not None and self._span.is_recording():
            self._span.end()

    @property
    def trace_id(self) -> str | None:
        if self._span is None:
            return None
        return f"{self._span.get_span_context().trace_id:032x}"


NO_SPAN = Spanned(None)


@contextmanager
def tracing(endpoint: str | None, *, process: str) -> Iterator[None]:
    """Send spans to an OTLP/HTTP collector for the length of the block; without an endpoint there are none."""
    global _tracer  # noqa: PLW0603 - one per process, as with the logs.
    if not endpoint:
        yield
        return
    if sys.modules[UNUSED] is None:
        del sys.modules[UNUSED]
    provider = _provider(endpoint, process)
    _tracer = provider.get_tracer("neo")
    try:
        yield
    finally:
        _tracer = None
        provider.force_flush(FLUSH_MS)
        provider.shutdown()


def are_made() -> bool:
    return _tracer is not None


def span(
    name: str, *, kind: str = "INTERNAL", parent: str | None = None, **attributes: Attribute
) -> AbstractContextManager[Spanned]:
    """A span around the block, with the open span as its parent, or the one of a `traceparent` header."""
    return NO_SPAN if _tracer is None else _opened(_tracer, name, kind, parent, attributes)


@contextmanager
def _opened(
    tracer: "Tracer", name: str, kind: str, parent: str | None, attributes: dict[str, Attribute]
) -> Iterator[Spanned]:
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - see `_provider`.

    with tracer.start_as_current_span(
        name,
        context=_context(parent),
        kind=SpanKind[kind],
        attributes=_dotted(attributes),
        # An error's message may quote what somebody wrote: its type is enough.
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        spanned = Spanned(opened)
        try:
            yield spanned
        except Exception as error:
            spanned.fail(type(error).__name__)
            raise


def begun(name: str) -> Spanned:
    """Start a span without children: it ends when its `end` is called, or with its block."""
    return NO_SPAN if _tracer is None else Spanned(_tracer.start_span(name))


def traceparent() -> str | None:
    """The open span as a W3C `traceparent`, so that another process can continue the trace."""
    if _tracer is None:
        return None
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 - see `_provider`.

    found = get_current_span().get_span_context()
    return (
        f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}" if found.is_valid else None
    )


def _context(parent: str | None) -> "Context | None":
    if parent is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - see `_provider`.
        TraceContextTextMapPropagator,
    )

    return TraceContextTextMapPropagator().extract({"traceparent": parent})


def _provider(endpoint: str, process: str) -> "TracerProvider":
    # The library takes a sixth of a second to import, and most processes send no traces.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from requests import Session  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: process}), shutdown_on_exit=False)
    session = Session()
    # As everywhere, a proxy that the environment names is for addresses elsewhere.
    session.trust_env = not is_loopback(urlsplit(endpoint).hostname or "")
    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + TRACES_PATH, session=session)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _dotted(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    return {
        name.replace("__", "."): redacted(value) if isinstance(value, str) else value
        for name, value in attributes.items()
    }
