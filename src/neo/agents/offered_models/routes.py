from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.agents.offered_models.schemas import ModelResource, shown_model
from neo.api import operation, success
from neo.llm import ModelList

router = APIRouter(prefix="/public-api")


async def model_list_of(request: Request) -> ModelList:
    found: ModelList = request.app.state.model_list
    return found


Manager = Annotated[Principal, Depends(caller_with(Right.LIST_MODELS))]
Listed = Annotated[ModelList, Depends(model_list_of)]


@router.get(
    "/models",
    **operation("public_api.model_list_get", "List models", tag="Agents", data=ModelResource, is_list=True),
)
async def list_models(request: Request, caller: Manager, models: Listed) -> Response:  # noqa: ARG001 - a door's guard.
    """The models that an agent's `model` may name. Where the operator keeps no list, these are the models of the two
    tiers, and an agent may also name `provider:name` of a provider that is set up. For API keys and Admins.
    """
    return success(request, [shown_model(model) for model in models.offered()])
