"""Decides about calls of the scripted model: it is there only where that model is, for tests and judges."""

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, model_validator
from starlette.responses import Response

from neo.access import Principal, Right
from neo.api import JsonBody, json_body, success
from neo.chat.dependencies import charged_later
from neo.chat.errors import CallNotWaiting
from neo.turns.resume import Resumer

Decider = Annotated[Principal, Depends(charged_later(Right.OPEN_SESSION))]


class CallDecision(BaseModel):
    """One of the three. A gated call takes a `decision`; a call that runs apart ends with an `output` or an `error`."""

    decision: Literal["APPROVED", "REJECTED"] | None = None
    output: Any = None
    error: str | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set & {"decision", "output", "error"}) != 1:
            raise ValueError("Give one of `decision`, `output` and `error`.")
        return self


class DecidedCall(BaseModel):
    call_id: str


def scripted_door(resumer: Resumer) -> APIRouter:
    router = APIRouter()

    @router.post("/public-api/scripted-model/calls/{call_id}", include_in_schema=False)
    async def decide(
        request: Request,
        caller: Decider,
        call_id: str,
        body: Annotated[JsonBody[CallDecision], Depends(json_body(CallDecision))],
    ) -> Response:
        """Decide about a call of the caller's own tenant that a turn waits for; 409 when nothing waits for it."""
        wanted, warnings = body.parse()
        # PostgreSQL's text has no NUL.
        call_id = call_id.replace("\x00", "")
        if wanted.decision is not None:
            is_taken = await resumer.decide(caller.tenant_id, call_id, wanted.decision)
        else:
            ended = {"output": wanted.output} if wanted.error is None else {"error_text": wanted.error}
            is_taken = await resumer.end_call(caller.tenant_id, call_id, ended)
        if not is_taken:
            raise CallNotWaiting(
                "No turn of yours waits for this call: it was decided before, or there is none."
            )
        return success(request, DecidedCall(call_id=call_id), warnings=warnings)

    return router
