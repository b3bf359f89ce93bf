"""The OpenAPI document: FastAPI's paths, with our envelopes, errors and component names."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from neo.api.components import COMPONENTS, ERRORS, SECURITY_SCHEMES, TAGS

REF = "#/components/schemas/{model}"
# Every model that an operation names. The document lists them as components.
_models: dict[str, type[BaseModel]] = {}

DESCRIPTION = (
    "Neo's public contract for the dashboard ChatAgent, partner integrations, and MSP automation. Every response "
    "is wrapped in a `{data, meta}` envelope; errors use `{error: {code, message, details?}, meta: {request_id}}`. "
    "Authenticate with a `Bearer neo_sk_<env>_<secret>` API key (service account) or a Microsoft Entra ID JWT "
    "(dashboard user). Signed-URL endpoints (end-user feedback links) take a `signature` query parameter instead."
)


def operation(
    operation_id: str,
    summary: str,
    *,
    tag: str = "Chat",
    body: type[BaseModel] | None = None,
    data: type[BaseModel] | None = None,
    is_list: bool = False,
    status: int = 200,
    is_public: bool = False,
    other: dict[int | str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Arguments of a route's decorator that describe its body and its answers in the document."""
    _models.update({model.__name__: model for model in (body, data) if model is not None})
    extra: dict[str, Any] = {} if is_public else {"security": [{"bearerAuth": []}]}
    if body is not None:
        schema = {"schema": _ref(body)}
        extra["requestBody"] = {"content": {"application/json": schema}, "required": True}
    responses: dict[int | str, dict[str, Any]] = {**({} if is_public else ERRORS), **(other or {})}
    if data is not None:
        responses[status] = _success(data, is_list=is_list)
    return {
        "operation_id": operation_id,
        "summary": summary,
        "tags": [tag],
        "status_code": status,
        "responses": responses,
        "response_model": None,
        "openapi_extra": extra,
    }


def build_document(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Builds the document at the first call and returns it ever after."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    return openapi


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="Neo Public API",
        version="1.0.0",
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
    )
    _, definitions = models_json_schema(
        [(model, "validation") for model in _models.values()], ref_template=REF
    )
    document["components"] = {
        "schemas": dict(sorted({**definitions["$defs"], **COMPONENTS}.items())),
        "securitySchemes": SECURITY_SCHEMES,
    }
    document["security"] = []
    return document


def _success(data: type[BaseModel], *, is_list: bool) -> dict[str, Any]:
    shown = {"items": _ref(data), "type": "array"} if is_list else _ref(data)
    schema = {
        "properties": {"data": shown, "meta": {"$ref": REF.format(model="SuccessMeta")}},
        "required": ["data", "meta"],
        "type": "object",
    }
    return {"content": {"application/json": {"schema": schema}}, "description": "Success."}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REF.format(model=model.__name__)}
