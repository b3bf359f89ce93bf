"""A prompt for a model that cannot take all of it: what it cannot take is told in words."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from neo.llm.chosen import ChosenModel
from neo.llm.prompt import Prompt, Round, Said, image_caption
from neo.llm.reading.carried import is_own

NOT_SHOWN = "[not shown: this model cannot look at images]"
NOT_SHOWN_AGAIN = "[not shown again]"


def adapted(prompt: Prompt, chosen: ChosenModel) -> Prompt:
    """The same prompt, without images for a model that sees none, and without calls for one that does not take them."""
    if not chosen.sees_images and has_images(prompt):
        transcript = _without_all_images(prompt.transcript, NOT_SHOWN)
        message = _without_images(Said("user", prompt.message, prompt.images), NOT_SHOWN).text
        prompt = replace(prompt, transcript=transcript, message=message, images=())
    elif not chosen.sees_earlier_images and has_earlier_images(prompt):
        prompt = replace(prompt, transcript=_without_all_images(prompt.transcript, NOT_SHOWN_AGAIN))
    if not chosen.traits.takes_tools and prompt.tools:
        prompt = replace(prompt, tools=())
    return _with_taken_rounds(prompt, chosen) if has_rounds(prompt) else prompt


def has_images(prompt: Prompt) -> bool:
    return bool(prompt.images) or has_earlier_images(prompt)


def has_earlier_images(prompt: Prompt) -> bool:
    return any(said.images for said in prompt.transcript)


def has_tools(prompt: Prompt) -> bool:
    """Whether it offers tools, or has calls of some."""
    return bool(prompt.tools) or has_rounds(prompt)


def has_rounds(prompt: Prompt) -> bool:
    return bool(prompt.rounds) or any(said.rounds for said in prompt.transcript)


def has_foreign_rounds(prompt: Prompt, chosen: ChosenModel) -> bool:
    """Whether it has calls with which this model gave nothing that it could get back."""
    return not all(is_own(one, chosen) for one in _all_rounds(prompt))


def has_own_rounds(prompt: Prompt, chosen: ChosenModel) -> bool:
    return any(is_own(one, chosen) for one in _all_rounds(prompt))


def _all_rounds(prompt: Prompt) -> Sequence[Round]:
    return (*(one for said in prompt.transcript for one in said.rounds), *prompt.rounds)


def _without_all_images(transcript: Sequence[Said], why: str) -> tuple[Said, ...]:
    return tuple(_without_images(said, why) for said in transcript)


def _without_images(said: Said, why: str) -> Said:
    captions = [f"{image_caption(number, image)} {why}" for number, image in enumerate(said.images, start=1)]
    return replace(said, text=_lines(said.text, *captions), images=()) if captions else said


def _with_taken_rounds(prompt: Prompt, chosen: ChosenModel) -> Prompt:
    told, kept = _parted(prompt.rounds, chosen)
    transcript = tuple(_with_rounds_told(said, chosen) for said in prompt.transcript)
    return replace(prompt, transcript=transcript, message=_lines(prompt.message, *_told(told)), rounds=kept)


def _with_rounds_told(said: Said, chosen: ChosenModel) -> Said:
    # What is told follows what is kept, so all rounds of an answer are told where one is.
    told, _ = _parted(said.rounds, chosen)
    return replace(said, text=_lines(*_told(said.rounds), said.text), rounds=()) if told else said


def _parted(rounds: Sequence[Round], chosen: ChosenModel) -> tuple[Sequence[Round], Sequence[Round]]:
    """The rounds that are told as text, and behind them those that the model takes as calls."""
    traits = chosen.traits
    if not traits.takes_tools or traits.takes_calls == "none":
        return rounds, ()
    if traits.takes_calls == "all":
        return (), rounds
    told = max((at for at, one in enumerate(rounds, 1) if not is_own(one, chosen)), default=0)
    return rounds[:told], rounds[told:]


def _told(rounds: Sequence[Round]) -> Iterator[str]:
    for one in rounds:
        yield one.text
        for call, outcome in zip(one.calls, one.outcomes, strict=True):
            yield f"[{call.name} was called with {call.arguments_json} and answered:]\n{outcome.text}"


def _lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text.strip())
