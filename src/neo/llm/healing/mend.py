"""Decides what is sent in place of what a model refused."""

from collections.abc import Callable
from dataclasses import replace

from neo.llm.chosen import AnswerLimit, ChosenModel, SystemRole, Traits
from neo.llm.errors import ImageUnusable, ProviderFailure, ProviderRejected, ResponseForgotten
from neo.llm.healing.adapted import has_earlier_images, has_images, has_rounds
from neo.llm.healing.refusal import About, Refusal
from neo.llm.healing.shorten import (
    ANSWER_TOKENS_GUESSED,
    answering_shorter,
    halved,
    is_window,
    shortened,
    within_window,
)
from neo.llm.healing.tools import OF_TOOLS, with_less_of_tools
from neo.llm.model_families import reasoning
from neo.llm.prompt import Prompt

# How many calls more one answer may take. Most faults need one; the rest is for servers with several.
MENDS_MAX = 4
# What these say is a number, and a prompt that does not fit is not made to fit by anything else.
_MEASURED = frozenset({About.LENGTH, About.ANSWER_LIMIT})
# Where words may be about several things, the first of these that the prompt has was refused.
_MEANINGS = {
    About.ROLES: (About.SYSTEM_ROLE, About.CALLS),
    About.PLAIN_TEXT: (About.IMAGES, About.CALLS),
    About.CALLS: (About.CALLS, About.TOOLS),
    About.CARRIED: (About.CARRIED, About.REASONING_EFFORT, About.CALLS),
    About.TOOL_SCHEMA: (About.TOOL_SCHEMA, About.TOOLS),
}


class Mends:
    """The mends of one answer. `chosen` is the model as it is asked next."""

    def __init__(self, chosen: ChosenModel, *, may_guess: bool = True) -> None:
        self.chosen = chosen
        self._first = chosen
        self._made: list[About] = []
        self._guesses = iter(GUESSES if may_guess else ())
        self.is_guess = False
        """Whether something was left out that nobody has refused by name."""

    def mend(self, failure: ProviderFailure, sent: Prompt) -> None:
        """Change what is sent; raises the failure that the answer ends with where nothing is left to be changed."""
        refusal = failure.refusal
        if refusal is None or len(self._made) >= MENDS_MAX:
            raise failure
        if refusal.about in (About.IMAGES, About.ONE_IMAGE) and not has_images(sent):
            # The words were misread: it was given none.
            failure, refusal = ProviderRejected(), Refusal(About.UNEXPLAINED)
        mended = self._mended(refusal, sent)
        if mended is None and refusal.about not in _MEASURED:
            # The words are not known, or were misread.
            mended = self._guessed(sent)
        if mended is None:
            raise failure
        self._made.append(refusal.about)
        self.chosen = mended

    def forgotten(self, failure: ResponseForgotten) -> None:
        """The provider's kept response cannot be continued, so the transcript is sent next."""
        refusal = failure.refusal
        if not failure.keeps_responses or (refusal is not None and refusal.about is About.STORE):
            self.chosen = replace(self.chosen, continues=False)
        elif refusal is not None and refusal.about is About.IMAGES:
            self.chosen = replace(self.chosen, sees_images=False)
        elif refusal is not None and refusal.about is About.ONE_IMAGE:
            # One that it kept, or the message's own: the next call tells.
            self._made.append(refusal.about)
            self.chosen = replace(self.chosen, sees_earlier_images=False)
        elif refusal is not None and is_window(refusal.tokens_max):
            self.chosen = within_window(self.chosen, refusal.tokens_max, 0)

    @property
    def learned(self) -> ChosenModel | None:
        """The model as it is asked from now on; None if that has not changed. What was refused of one image or of one
        tool says nothing of others.
        """
        learned, first = self.chosen, self._first
        if About.ONE_IMAGE in self._made:
            learned = replace(learned, sees_earlier_images=first.sees_earlier_images)
        if self.is_guess or About.TOOL_SCHEMA in self._made:
            traits = replace(learned.traits, takes_tools=first.traits.takes_tools)
            learned = replace(learned, traits=traits)
        return None if learned == first else learned

    def _mended(self, refusal: Refusal, sent: Prompt) -> ChosenModel | None:
        meanings = _MEANINGS.get(refusal.about, (refusal.about,))
        found = (self._mended_of(about, refusal, sent) for about in meanings)
        return next((mended for mended in found if mended is not None), None)

    def _mended_of(self, about: About, refusal: Refusal, sent: Prompt) -> ChosenModel | None:
        chosen, times = self.chosen, self._made.count(about)
        match about:
            case About.LENGTH:
                return shortened(chosen, refusal, sent, times)
            case About.ANSWER_LIMIT:
                return answering_shorter(chosen, refusal)
            case About.ONE_IMAGE:
                return _without_one_image(chosen, sent, times)
            case About.IMAGES | About.IMAGE_COUNT | About.STORE | About.REASONING_EFFORT:
                return _without(about, chosen, sent)
        changed = (
            with_less_of_tools(chosen, about, sent)
            if about in OF_TOOLS
            else _other_traits(chosen.traits, about, sent, times)
        )
        if changed is None:
            return None
        # What a provider keeps has the instructions of the first message, which may be others by now.
        continues = chosen.continues and changed.system_role != "none"
        return replace(chosen, traits=changed, continues=continues)

    def _guessed(self, sent: Prompt) -> ChosenModel | None:
        for guess in self._guesses:
            guessed = guess(self.chosen, sent)
            if guessed != self.chosen:
                self.is_guess = True
                return guessed
        return None


def _plain(chosen: ChosenModel, sent: Prompt) -> ChosenModel:
    """The model asked for nothing that a call can do without, and shown no earlier images."""
    if _is_told_to_reason(chosen):
        chosen = _without_effort(chosen)
    if sent.tools and chosen.traits.tool_schemas == "full":
        chosen = replace(chosen, traits=replace(chosen.traits, tool_schemas="plain"))
    is_shown = chosen.sees_earlier_images and not has_earlier_images(sent)
    return replace(chosen, continues=False, sees_earlier_images=is_shown)


def _as_text(chosen: ChosenModel, sent: Prompt) -> ChosenModel:
    """The model given one text after another: without calls, and without a role for its instructions."""
    role: SystemRole = "none" if sent.instructions else chosen.traits.system_role
    traits = replace(chosen.traits, system_role=role)
    if has_rounds(sent):
        traits = replace(traits, takes_calls="none")
    return replace(chosen, traits=traits)


def _short(chosen: ChosenModel, sent: Prompt) -> ChosenModel:
    """The model told half of what may be left out, offered nothing, and asked for a short answer."""
    shorter = halved(chosen, sent) or chosen
    if sent.tools:
        shorter = replace(shorter, traits=replace(shorter.traits, takes_tools=False))
    return replace(shorter, answer_tokens_max=min(chosen.answer_tokens_max, ANSWER_TOKENS_GUESSED))


# Where nobody knows what was refused, one after the other; each keeps what was left out before.
GUESSES: tuple[Callable[[ChosenModel, Prompt], ChosenModel], ...] = (_plain, _as_text, _short)


def _is_told_to_reason(chosen: ChosenModel) -> bool:
    return chosen.reasoning_effort is not None or bool(reasoning(chosen))


def _without_one_image(chosen: ChosenModel, sent: Prompt, times: int) -> ChosenModel | None:
    """Without the earlier images, for it may be one of them. Providers refuse good ones at times, so the message's own
    are shown once more.
    """
    if has_earlier_images(sent):
        return replace(chosen, sees_earlier_images=False)
    if times:
        raise ImageUnusable
    return chosen


def _without(about: About, chosen: ChosenModel, sent: Prompt) -> ChosenModel | None:
    if about is About.IMAGES:
        return replace(chosen, sees_images=False) if chosen.sees_images and has_images(sent) else None
    if about is About.IMAGE_COUNT:
        return replace(chosen, sees_earlier_images=False) if has_earlier_images(sent) else None
    if about is About.STORE:
        return replace(chosen, continues=False) if chosen.continues else None
    return _without_effort(chosen) if _is_told_to_reason(chosen) else None


def _without_effort(chosen: ChosenModel) -> ChosenModel:
    return replace(chosen, reasoning_effort=None, traits=replace(chosen.traits, takes_effort=False))


def _other_traits(traits: Traits, about: About, sent: Prompt, times: int) -> Traits | None:
    match about:
        case About.SYSTEM_ROLE:
            role: SystemRole = "system" if traits.system_role == "developer" else "none"
            is_new = bool(sent.instructions) and traits.system_role != "none"
            return replace(traits, system_role=role) if is_new else None
        case About.STREAM_OPTIONS:
            return replace(traits, stream_options=False) if traits.stream_options else None
        case About.ANSWER_LIMIT_NAME:
            names: tuple[AnswerLimit, AnswerLimit] = ("max_tokens", "max_completion_tokens")
            other = names[traits.answer_limit == names[0]]
            return None if times else replace(traits, answer_limit=other)
        case _:
            return None
