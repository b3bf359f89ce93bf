"""Turns rows into the API's resources."""

from dataclasses import asdict
from typing import Any

from neo.stops.desk import SetStop
from neo.stops.models import StopScope, ToolStop
from neo.stops.schemas import CallInFlightResource, SetToolStop, StopAuthor, ToolStopResource
from neo.stops.store import CallInFlight


def shown_stop(stop: ToolStop) -> ToolStopResource:
    return ToolStopResource(**_of(stop))


def shown_set(done: SetStop) -> SetToolStop:
    return SetToolStop(
        **_of(done.stop),
        calls_in_flight=[_call(call) for call in done.in_flight],
        calls_in_flight_total=done.in_flight_total,
    )


def _of(stop: ToolStop) -> dict[str, Any]:
    return {
        "id": str(stop.id),
        "scope": StopScope(stop.scope),
        "scope_id": stop.scope_id,
        "tool": stop.tool or None,
        "writes_only": stop.writes_only,
        "set_by": StopAuthor(kind=stop.set_by_kind, id=str(stop.set_by)),
        "set_at": stop.set_at,
    }


def _call(call: CallInFlight) -> CallInFlightResource:
    ids = ("turn_id", "session_id", "connection_id")
    values = asdict(call)
    return CallInFlightResource(**{**values, **{name: str(values[name]) for name in ids}})
