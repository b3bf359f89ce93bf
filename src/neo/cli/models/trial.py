"""`neo models check`: what a model does when it is called, and what its server says of it."""

import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from neo.cli.doctor.findings import Finding, fine, problem, skipped, warning
from neo.errors import Failure

if TYPE_CHECKING:
    from neo.llm import ChosenModel, ModelEntry, Models, ProviderSettings
    from neo.llm.trial.asking import Asking
    from neo.llm.trial.quirks import Answered
    from neo.llm.trial.told import Told

SAY_SO = "take the lines below into NEO_MODELS_FILE"
LOOK = "look whether its server is up, and whether `url`, `key` and `model` are right"
# What is most likely wrong, by the status that the server answers, and by what became of the call.
LOOK_BY_STATUS = {
    401: "correct its `key`: the server refuses it, or wants one",
    403: "look whether its `key` may use this `model`",
    404: "correct its `url`, which ends where the API does (`/v1`), or the name in `model`",
}
LOOK_BY_CODE = {
    "provider_incomplete": "look whether `url` leads to this API and not to a web page, and whether `dialect` is right",
    "provider_timeout": "look whether its server has loaded the model; with `reasons = true` it is waited for longer",
    "provider_rejected": "look whether `model` and `dialect` are right, and into its server's log",
}


@dataclass
class Trial:
    """One model's. `said` is what the file says, or would have to say, of it."""

    entry: "ModelEntry"
    said: Mapping[str, Any]
    models: "Models"
    settings: "ProviderSettings"
    found: dict[str, Any] = field(default_factory=dict)
    """By the keys of the file, what turned out to be otherwise."""

    async def run(self) -> AsyncGenerator[Finding, None]:
        from neo.llm.trial.asking import Asking  # noqa: PLC0415 - imports of seconds stay out of `--help`.
        from neo.llm.trial.told import told  # noqa: PLC0415

        asking = Asking(self.models)
        yield self._limits(await told(self.entry.address, self.entry.model))
        answered = await self._answered(asking)
        if isinstance(answered, Finding):
            yield answered
            return
        for finding in self._answer(answered):
            yield finding
        yield await self._tools(asking, answered.chosen)
        yield await self._images(asking, answered.chosen)

    def waits(self) -> str:
        from neo.llm.trial.asking import call_seconds  # noqa: PLC0415
        from neo.llm.trial.fetching import LOOK_SECONDS  # noqa: PLC0415

        return f"A look waits {LOOK_SECONDS:.0f} s at most, a call {call_seconds(self._chosen()):.0f} s."

    def proposed(self) -> dict[str, Any]:
        return {**self.said, **self.found}

    def _chosen(self) -> "ChosenModel":
        """As the list says it, within what its server says."""
        from neo.llm.model_list import chosen_model  # noqa: PLC0415

        numbers = {key: self.found[key] for key in ("context_tokens", "answer_tokens") if key in self.found}
        return chosen_model(replace(self.entry, **numbers), None, self.settings)

    def _limits(self, said: "Told") -> Finding:
        from neo.llm.model_list.choosing import context_tokens_of  # noqa: PLC0415

        assumed = context_tokens_of(self.entry)
        server = said.server or "The server"
        self.found |= {key: value for key, value in said.keys().items() if key not in self.said}
        if said.context_tokens is None:
            return skipped("window", f"{server} does not say it; {assumed:,} tokens are assumed.")
        told = f"{server} says {said.context_tokens:,} tokens"
        if said.context_tokens >= assumed:
            return fine("window", f"{told}, and {assumed:,} are used.")
        self.found["context_tokens"] = said.context_tokens
        if self.said.get("answer_tokens", 0) >= said.context_tokens:
            self.found["answer_tokens"] = said.context_tokens // 2
        return warning("window", f"{told}, and {assumed:,} are assumed.", SAY_SO)

    async def _answered(self, asking: "Asking") -> "Answered | Finding":
        from neo.llm.trial.quirks import answered  # noqa: PLC0415

        began = time.monotonic()
        try:
            return await answered(asking, self._chosen())
        except Failure as failure:
            return _no_answer(failure, time.monotonic() - began)

    def _answer(self, answered: "Answered") -> list[Finding]:
        heard = answered.heard
        speed = heard.tokens_a_second
        said = f"The first token came after {heard.seconds_to_first:.2f} s, all after {heard.seconds:.2f} s"
        said += f", at {speed:.0f} tokens a second." if speed else "."
        found = [fine("answer", said)]
        if not heard.text.strip():
            found = [warning("answer", f"{said} It had no text.", "give it longer answers: `answer_tokens`")]
        for key, value in answered.quirks.items():
            self.found[key] = value
            found.append(warning(key, f"It is answered only with {key} = {str(value).lower()}.", SAY_SO))
        if heard.reasoning_characters and not answered.chosen.traits.reasons:
            self.found["reasons"] = True
            found.append(warning("reasons", "It thinks before it answers.", SAY_SO))
        return found

    async def _tools(self, asking: "Asking", chosen: "ChosenModel") -> Finding:
        if not chosen.traits.takes_tools:
            return skipped("tools", "The list says that it takes none.")
        try:
            heard = await asking.tool_call(chosen)
        except Failure as failure:
            self.found["takes_tools"] = False
            return warning("tools", f"A call that offers a tool fails: {failure.code}.", SAY_SO)
        if heard.calls:
            return fine("tools", f"It asked for `{heard.calls[0].name}`.")
        return warning("tools", "It was offered a tool and did not ask for it.", "do not give it tools")

    async def _images(self, asking: "Asking", chosen: "ChosenModel") -> Finding:
        if not chosen.sees_images:
            return skipped("images", "It is known to see none.")
        try:
            heard = await asking.image(chosen)
        except Failure as failure:
            self.found["sees_images"] = False
            return warning("images", f"A call with an image fails: {failure.code}.", SAY_SO)
        if "red" in heard.text.lower():
            return fine("images", "It saw a red square.")
        return warning(
            "images", "It took a red square and did not say its colour.", "look whether it sees images"
        )


def _no_answer(failure: Failure, seconds: float) -> Finding:
    cause = failure.__cause__
    status = getattr(cause, "status", None)
    why = f" ({str(cause) or type(cause).__name__})" if cause is not None else ""
    # What follows in the message is for whoever waits for an answer.
    words = (
        f"The server answers {status}." if status else f"{failure.message.partition('. ')[0].rstrip('.')}."
    )
    step = LOOK_BY_STATUS.get(status or 0) or LOOK_BY_CODE.get(failure.code, LOOK)
    return problem("answer", f"{failure.code} after {seconds:.1f} s: {words}{why}", step)
