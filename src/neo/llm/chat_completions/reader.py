"""Turns the chunks of chat completions into deltas, and tells when the answer is complete."""

from collections.abc import Iterable, Iterator, Sequence

from neo.llm.chat_completions.calls import Calls
from neo.llm.chat_completions.chunk import (
    REASONING_FIELDS,
    Kind,
    Piece,
    choice_of,
    error_of,
    pieces_of,
    said_in,
)
from neo.llm.chat_completions.given import Given
from neo.llm.chat_completions.telling import Telling
from neo.llm.chat_completions.thought_names import ThoughtNames
from neo.llm.chat_completions.usage import Usage
from neo.llm.chat_completions.whole import WholeMessages
from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Completed, Delta, FinishReason
from neo.llm.errors import ContentFiltered, ProviderIncomplete
from neo.llm.reading.event import Event, UnreadableError, loaded, object_in, short_name
from neo.llm.reading.finish import BROKEN, Finish, finish_of, thoughts_are_answer
from neo.llm.transport.provider_error import ProviderError, error_in_stream

_DONE = b"[DONE]"
# Only these say that the model itself came to an end: the last call of any other answer may be half of one.
_OWN_ENDS = ("stop", "tool-calls")
# What a later word says more of: some servers end every answer with `stop`, after or before the reason.
_MAY_BE_CORRECTED = (None, "stop", "other")


class ChatCompletionReader:
    def __init__(self, chosen: ChosenModel) -> None:
        self._chosen = chosen
        self._given = Given()
        self._telling = Telling(chosen)
        self._thought_names = ThoughtNames()
        self._messages = WholeMessages()
        self._in_deltas: set[Kind] = set()
        self._has_calls_in_deltas = False
        self._calls = Calls()
        self._finish: Finish | None = None
        self._usage, self._is_counted = Usage(), chosen.traits.stream_options
        self._response_id: str | None = None
        self._answered_by: str | None = None
        self.is_complete = False
        self.events_with_content = 0

    @property
    def has_text(self) -> bool:
        return self._telling.has_text

    @property
    def has_finished(self) -> bool:
        return self.is_complete or self._finish is not None

    @property
    def awaits_usage(self) -> bool:
        return self._is_counted and not self._usage

    def deltas(self, received: Iterable[bytes]) -> Iterator[Delta]:
        """The deltas of the chunks that came next; neighbouring pieces of one text are one delta."""
        try:
            for data in received:
                if self.is_complete:
                    break
                self._read(data)
        except (UnreadableError, ProviderError):
            yield from self._telling.deltas()
            raise
        yield from self._telling.deltas()

    def rest(self) -> Iterator[Delta]:
        is_answer = thoughts_are_answer(self._finish, has_called=bool(self._calls))
        yield from self._telling.rest(is_answer=self._is_whole and is_answer)
        if self._is_whole:
            is_cut = self._finish not in _OWN_ENDS
            yield from self._calls.whole(self._chosen, self._given.told(), is_cut=is_cut)

    def completed(self) -> Completed:
        reason = self._finish_reason()
        # The filter let no text through: the prompt failed, and the answer is not an empty one.
        if reason == "content-filter" and not self.has_text:
            raise ContentFiltered
        input_tokens, output_tokens, cached_tokens = self._usage.counted()
        return Completed(
            finish_reason=reason,
            response_id=self._response_id,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_tokens=cached_tokens,
            model=self._answered_by or self._chosen.name,
        )

    def _finish_reason(self) -> FinishReason:
        if self._finish is None or self._finish == BROKEN:
            raise ProviderIncomplete
        if self._telling.has_refusal:
            return "content-filter"
        # Some servers give `stop` for an answer that ends in a call.
        return "tool-calls" if self._finish == "stop" and self._calls else self._finish

    @property
    def _is_whole(self) -> bool:
        """Whether the provider has said that the answer is over, and not that it broke off."""
        return self._finish is not None and self._finish != BROKEN

    def _read(self, data: bytes) -> None:
        if data.strip() == _DONE:
            self.is_complete = True
            return
        was_whole = self._is_whole
        try:
            self._hear(loaded(data))
        except (UnreadableError, ProviderError):
            # The provider has said that the answer is over, and nothing that follows takes that back.
            if not was_whole:
                raise

    def _hear(self, event: Event) -> None:
        choice = choice_of(event)
        if choice is not None:
            self._hear_choice(choice, is_chunk=event.get("object") == "chat.completion.chunk")
        if usage := event.get("usage"):
            self._usage.add(usage)
        if "x_groq" in event:
            self._usage.add(object_in(event, "x_groq").get("usage"))
        if not self._response_id:
            self._response_id = short_name(event.get("id"))
        if not self._answered_by:
            self._answered_by = short_name(event.get("model"))
        if error := error_of(event, choice):
            raise error_in_stream(error)

    def _hear_choice(self, choice: Event, *, is_chunk: bool) -> None:
        if delta := said_in(choice, "delta"):
            pieces = self._pieces_in(delta)
            self._in_deltas.update(kind for kind, _ in pieces)
            self._has_calls_in_deltas |= self._hear_said(pieces, _calls_in(delta))
        if message := said_in(choice, "message"):
            self._hear_message(message, is_chunk=is_chunk)
        if usage := choice.get("usage"):
            self._usage.add(usage)
        if (finish := finish_of(choice.get("finish_reason"))) and self._finish in _MAY_BE_CORRECTED:
            self._finish = finish

    def _hear_message(self, message: Event, *, is_chunk: bool) -> None:
        """Takes what the deltas have not said."""
        pieces: Sequence[Piece] = [
            piece for piece in self._pieces_in(message) if piece[0] not in self._in_deltas
        ]
        calls = _calls_in(message)
        if not is_chunk:
            pieces = list(self._messages.unheard(pieces))
        if calls and (self._has_calls_in_deltas or not is_chunk):
            whole = Calls()
            self._telling.add_arguments(whole.add(calls))
            if not self._has_calls_in_deltas or whole.say_more_than(self._calls):
                self._calls = whole
            self.events_with_content += 1
            calls = None
        self._hear_said(pieces, calls)

    def _hear_said(self, pieces: Sequence[Piece], calls: object) -> bool:
        """Whether there are calls in it."""
        self._telling.add(pieces)
        if calls:
            self._telling.add_arguments(self._calls.add(calls))
        if pieces or calls:
            self.events_with_content += 1
        return bool(calls)

    def _pieces_in(self, said: Event) -> Sequence[Piece]:
        content = said.get("content")
        # Most deltas are a text and nothing else, and an answer has thousands of them.
        if len(said) == 1 and isinstance(content, str):
            return (("text", content),) if content else ()
        pieces = [*self._thoughts_in(said), *pieces_of(content)]
        refusal = said.get("refusal")
        if isinstance(refusal, str) and refusal:
            pieces.append(("refusal", refusal))
        return pieces

    def _thoughts_in(self, said: Event) -> Sequence[Piece]:
        self._given.add(said)
        first = self._thought_names.name
        for name in (first, *REASONING_FIELDS) if first else REASONING_FIELDS:
            given = said.get(name)
            if given and isinstance(given, str | list | dict):
                thought = "".join(text for _, text in pieces_of(given, "reasoning"))
                if thought:
                    unheard = self._thought_names.unheard(name, thought)
                    return (("reasoning", unheard),) if unheard else ()
        return ()


def _calls_in(said: Event) -> object:
    return said.get("tool_calls") or said.get("function_call")
