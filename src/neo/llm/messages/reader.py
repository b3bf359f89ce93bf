"""Turns the events of Anthropic's Messages API into deltas, and tells when the answer is complete."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Completed, Delta, FinishReason, ReasoningDelta, TextDelta
from neo.llm.errors import ContentFiltered, ProviderIncomplete
from neo.llm.messages.calls import OpenCall
from neo.llm.messages.events import PIECES, blocks_of, events_in, kind_of, kind_of_block, kind_of_delta
from neo.llm.messages.signed import SignedThoughts
from neo.llm.messages.usage import Usage
from neo.llm.reading.arguments import arguments_in
from neo.llm.reading.calls import ToldCalls
from neo.llm.reading.carried import carried
from neo.llm.reading.event import Event, UnreadableError, index_in, object_in, short_name, text_in
from neo.llm.reading.finish import BROKEN, Finish, finish_of, thoughts_are_answer
from neo.llm.reading.texts import AnswerLength, FirstThoughts, Kind, Texts
from neo.llm.transport.provider_error import ProviderError, error_in_stream

# Some gateways end every stream like this.
_DONE = b"[DONE]"
_TEXT_KINDS: dict[str, Kind] = {"text_delta": TextDelta, "thinking_delta": ReasoningDelta}


class MessageReader:
    # The event that ends the answer has it.
    awaits_usage = False

    @classmethod
    def of(cls, chosen: ChosenModel) -> "MessageReader":
        return cls(chosen)

    def __init__(self, chosen: ChosenModel) -> None:
        self._model, self._chosen = chosen.name, chosen
        self._signed = SignedThoughts()
        self._message_id: str | None = None
        self._length = AnswerLength()
        self._usage = Usage()
        self._texts = Texts()
        self._thoughts = FirstThoughts(chosen)
        # Each block of content has a number of its own, for gateways give two blocks the same index.
        self._blocks = 0
        self._numbers: dict[int | None, int] = {}
        self._whole_content: list[Any] = []
        self._calls: dict[int, OpenCall] = {}
        self._unread: set[int] = set()
        self._told_calls = ToldCalls()
        self._finish: Finish | None = None
        self._has_stopped = False
        self._is_over = False
        self.has_text = False
        self.events_with_content = 0

    @property
    def has_finished(self) -> bool:
        return self._has_stopped or self._finish is not None

    @property
    def is_complete(self) -> bool:
        return self._is_over

    def deltas(self, received: Iterable[bytes]) -> Iterator[Delta]:
        return self._thoughts.told(self._heard_in(received))

    def _heard_in(self, received: Iterable[bytes]) -> Iterator[Delta]:
        try:
            for event in events_in(self._until_done(received)):
                yield from self._handled(event)
                if self._is_over:
                    return
        except (UnreadableError, ProviderError):
            # The provider has said that the answer is over, and nothing that follows takes that back.
            if self._finish in (None, BROKEN):
                raise

    def rest(self) -> Iterator[Delta]:
        yield from self._thoughts.told(self._left_over())
        is_answer = thoughts_are_answer(self._finish, has_called=bool(self._told_calls))
        yield from self._thoughts.rest(is_answer=self.has_finished and is_answer)

    def _left_over(self) -> Iterator[Delta]:
        """The calls whose arguments did not look whole: only the end tells whether they are."""
        yield from self._unheard_content()
        yield from self._texts.end()
        if not self.has_finished or self._finish == BROKEN:
            return
        for number, call in self._calls.items():
            if call.arguments.are_whole() or not self._may_be_half(number, call):
                yield call.told(self._told_calls)
        self._calls = {}

    def _may_be_half(self, number: int, call: OpenCall) -> bool:
        is_cut = self._finish not in ("stop", "tool-calls")
        # A call without arguments is whole when another block has begun behind it.
        return is_cut and (bool(call.arguments) or number == self._blocks)

    def completed(self) -> Completed:
        reason = self._finish_reason()
        # The filter let no text through: the prompt failed, and the answer is not an empty one.
        if reason == "content-filter" and not self.has_text:
            raise ContentFiltered
        return Completed(
            finish_reason=reason,
            response_id=self._message_id,
            input_tokens=self._usage.input_tokens,
            output_tokens=self._usage.output_tokens,
            cached_tokens=self._usage.cached_tokens,
            model=self._model,
        )

    def _finish_reason(self) -> FinishReason:
        # An end without a reason is an end only after something was said.
        is_end = self._finish is not None or (self._has_stopped and self.events_with_content)
        if not is_end or self._finish == BROKEN:
            raise ProviderIncomplete
        if self._finish in ("stop", "tool-calls"):
            return "tool-calls" if self._told_calls else "stop"
        return self._finish or "other"

    def _until_done(self, received: Iterable[bytes]) -> Iterator[bytes]:
        for data in () if self._is_over else received:
            if data == _DONE:
                self._is_over = True
                return
            yield data

    def _handled(self, event: Event) -> Iterable[Delta]:
        kind = kind_of(event)
        error = event.get("error")
        if error or kind == "error":
            raise error_in_stream(error or event)
        handle = self._HANDLERS.get(kind) if kind is not None else None
        return handle(self, event) if handle else ()

    def _begin(self, event: Event) -> Iterable[Delta]:
        message = object_in(event, "message")
        self._message_id = short_name(message.get("id")) or self._message_id
        self._model = short_name(message.get("model")) or self._model
        self._usage.note(object_in(message, "usage"))
        self._whole_content = blocks_of(message.get("content"))
        return ()

    def _unheard_content(self) -> Iterator[Delta]:
        """What a gateway that does not stream gave at once. Elsewhere it has come in events of its own."""
        has_called, has_begun = bool(self._calls or self._told_calls), self._blocks > 0
        for block in self._whole_content:
            event = {"content_block": block}
            is_call = kind_of_block(object_in(event, "content_block")) == "tool_use"
            if not (has_called if is_call else has_begun):
                yield from self._begin_block(event)
                yield from self._end_block({})

    def _begin_block(self, event: Event) -> Iterable[Delta]:
        number = self._new_block(event)
        block = object_in(event, "content_block")
        match kind_of_block(block):
            case "text":
                return self._say(TextDelta, number, self._read_text(block, "text"))
            case "thinking" | "redacted_thinking" as kind:
                self._thoughts.told_apart()
                self._signed.begin(number, kind, block)
                return self._say(ReasoningDelta, number, self._read_text(block, "thinking"))
            case "tool_use":
                given = carried(self._chosen, {"thinking": self._signed.taken()})
                self._calls[number] = OpenCall(block, given)
                self.events_with_content += 1
            case _:
                # What tools of the provider's own ask and answer is no part of the answer.
                self._unread.add(number)
        return ()

    def _continue_block(self, event: Event) -> Iterable[Delta]:
        delta = object_in(event, "delta")
        kind = kind_of_delta(delta)
        if kind == "input_json_delta":
            self._continue_call(event, delta)
        index = index_in(event, "index")
        self._signed.add(self._numbers.get(index, 0), delta)
        if kind not in _TEXT_KINDS:
            return ()
        number = self._numbers[index] if index in self._numbers else self._new_block(event)
        return self._say(_TEXT_KINDS[kind], number, self._read_text(delta, PIECES[kind]))

    def _continue_call(self, event: Event, delta: Event) -> None:
        piece = self._measured(arguments_in(delta, PIECES["input_json_delta"]))
        number = self._numbers.get(index_in(event, "index"), 0)
        # Where the index is that of no call, such as one that counts events, the call is the one that has begun last.
        last = next(reversed(self._calls.values()), None) if number not in self._unread else None
        if call := self._calls.get(number, last):
            call.arguments.add(piece)

    def _end_block(self, event: Event) -> Iterator[Delta]:
        number = self._numbers.get(index_in(event, "index"), 0)
        if (call := self._calls.get(number)) is not None and call.arguments.are_whole():
            del self._calls[number]
            yield call.told(self._told_calls)

    def _say(self, kind: Kind, block: int, text: str) -> Iterator[Delta]:
        if text:
            self.has_text = self.has_text or kind is TextDelta
            yield from self._texts.add(kind, block, text)

    def _note_end(self, event: Event) -> Iterable[Delta]:
        self._usage.note(object_in(event, "usage"))
        delta = object_in(event, "delta")
        finish = finish_of(delta.get("stop_reason"))
        if finish is None:
            return ()
        self._finish = finish
        why = text_in(object_in(delta, "stop_details"), "explanation")
        return self._say(TextDelta, self._new_block({}), why) if why else ()

    def _end(self, event: Event) -> Iterable[Delta]:
        self._usage.note(object_in(event, "usage"))
        self._has_stopped = self._is_over = True
        return ()

    def _whole(self, message: Event) -> Iterator[Delta]:
        """The answer of a gateway that does not stream."""
        self._begin({"message": message})
        yield from self._unheard_content()
        yield from self._note_end({"delta": message})
        self._has_stopped = self._is_over = True

    def _new_block(self, event: Event) -> int:
        self._blocks += 1
        # An event without an index is about the block that has begun last.
        self._numbers[index_in(event, "index")] = self._numbers[None] = self._blocks
        return self._blocks

    def _read_text(self, parent: Event, key: str) -> str:
        return self._measured(text_in(parent, key))

    def _measured(self, text: str) -> str:
        if text:
            self.events_with_content += 1
            self._length.add(text)
        return text

    _HANDLERS: ClassVar[dict[str, Callable[["MessageReader", Event], Iterable[Delta]]]] = {
        "message_start": _begin,
        "content_block_start": _begin_block,
        "content_block_delta": _continue_block,
        "content_block_stop": _end_block,
        "message_delta": _note_end,
        "message_stop": _end,
        "message": _whole,
    }
