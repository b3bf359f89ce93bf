from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from neo.api.request_scope import phases_of


def success(
    request: Request,
    data: BaseModel | Sequence[BaseModel],
    *,
    status: int = 200,
    warnings: Sequence[str] = (),
    next_cursor: str | None = None,
    is_page: bool = False,
) -> Response:
    """The `{data, meta}` envelope of every successful answer."""
    phases = phases_of(request)
    shown = _shown(data)
    phases.mark("handle")
    meta: dict[str, Any] = {
        "request_id": request.scope["state"]["request_id"],
        "timings_ms": phases.timings_ms(),
    }
    if is_page:
        meta["pagination"] = {"next_cursor": next_cursor, "has_more": next_cursor is not None}
    if warnings:
        meta["warnings"] = list(warnings)
    return Response(
        orjson.dumps({"data": shown, "meta": meta}),
        status_code=status,
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )


def _shown(data: BaseModel | Sequence[BaseModel]) -> Any:
    if isinstance(data, BaseModel):
        return data.model_dump(mode="json")
    return [item.model_dump(mode="json") for item in data]
