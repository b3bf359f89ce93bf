"""A prompt for a model that cannot take all of it: what it cannot take is told in words."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from neo.llm.chosen import ChosenModel
from neo.llm.prompt import Prompt, Round, Said, image_caption

NOT_SHOWN = "[not shown: this model cannot look at images]"
NOT_SHOWN_AGAIN = "[not shown again]"


def adapted(prompt: Prompt, chosen: ChosenModel) -> Prompt:
    """The same prompt, without images for a model that sees none, and without calls for one that knows none."""
    if not chosen.sees_images and has_images(prompt):
        transcript = _without_all_images(prompt.transcript, NOT_SHOWN)
        message = _without_images(Said("user", prompt.message, prompt.images), NOT_SHOWN).text
        prompt = replace(prompt, transcript=transcript, message=message, images=())
    elif not chosen.sees_earlier_images and has_earlier_images(prompt):
        prompt = replace(prompt, transcript=_without_all_images(prompt.transcript, NOT_SHOWN_AGAIN))
    if not chosen.traits.takes_tools and has_tools(prompt):
        transcript = tuple(map(_without_rounds, prompt.transcript))
        message = _lines(prompt.message, *_told(prompt.rounds))
        prompt = replace(prompt, transcript=transcript, message=message, rounds=(), tools=())
    return prompt


def has_images(prompt: Prompt) -> bool:
    return bool(prompt.images) or has_earlier_images(prompt)


def has_earlier_images(prompt: Prompt) -> bool:
    return any(said.images for said in prompt.transcript)


def has_tools(prompt: Prompt) -> bool:
    """Whether it offers tools, or has calls of some."""
    return bool(prompt.tools or prompt.rounds) or any(said.rounds for said in prompt.transcript)


def _without_all_images(transcript: Sequence[Said], why: str) -> tuple[Said, ...]:
    return tuple(_without_images(said, why) for said in transcript)


def _without_images(said: Said, why: str) -> Said:
    captions = [f"{image_caption(number, image)} {why}" for number, image in enumerate(said.images, start=1)]
    return replace(said, text=_lines(said.text, *captions), images=()) if captions else said


def _without_rounds(said: Said) -> Said:
    return replace(said, text=_lines(*_told(said.rounds), said.text), rounds=()) if said.rounds else said


def _told(rounds: Sequence[Round]) -> Iterator[str]:
    for one in rounds:
        yield one.text
        for call, outcome in zip(one.calls, one.outcomes, strict=True):
            yield f"[{call.name} was called with {call.arguments_json} and answered:]\n{outcome.text}"


def _lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text.strip())
