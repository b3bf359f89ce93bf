"""Turns the events of OpenAI's Responses API into deltas, and tells when the answer is complete."""

from collections.abc import Callable, Container, Iterable, Iterator
from typing import ClassVar

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Completed, Delta, FinishReason, TextDelta, ToolCall
from neo.llm.errors import ContentFiltered, ProviderIncomplete
from neo.llm.reading.arguments import arguments_in
from neo.llm.reading.event import (
    Event,
    UnreadableError,
    count,
    index_in,
    object_in,
    short_name,
    text_in,
)
from neo.llm.reading.finish import BROKEN, Finish, finish_of, thoughts_are_answer
from neo.llm.reading.texts import AnswerLength, FirstThoughts, Told
from neo.llm.responses.calls import Calls, Item
from neo.llm.responses.texts import (
    DELTAS,
    EVENTS,
    Kind,
    ResponseTexts,
    Text,
    Where,
    events_in,
    kind_of_item,
    text_of,
    texts_of,
)
from neo.llm.transport.provider_error import error_in_stream

# The texts' own ends: their kind, and where the event has the whole text and its index.
_OWN_ENDS = {f"{name}.done": found for name, found in EVENTS.items()}
_INPUT_DETAILS = ("input_tokens_details", "prompt_tokens_details")


class ResponseReader:
    # The event that ends the answer has it.
    awaits_usage = False

    @classmethod
    def of(cls, chosen: ChosenModel) -> "ResponseReader":
        return cls(chosen)

    def __init__(self, chosen: ChosenModel) -> None:
        self._model, self._chosen = chosen.name, chosen
        self._length, self._arguments_length = AnswerLength(), AnswerLength()
        self._texts = ResponseTexts()
        self._last_place: tuple[object, ...] = ()
        self._last_text: Text
        # Made with the first call: most answers have none.
        self._calls: Calls | None = None
        self._thoughts = FirstThoughts(chosen)
        self._has_refused = False
        self._final: Event | None = None
        self._finish: Finish = "other"
        self._response_id: str | None = None
        self.has_text = False
        self.events_with_content = 0

    @property
    def _has_called(self) -> bool:
        return self._calls is not None and self._calls.are_told

    @property
    def has_finished(self) -> bool:
        return self._final is not None

    @property
    def is_complete(self) -> bool:
        return self._final is not None

    def deltas(self, received: Iterable[bytes]) -> Iterator[Delta]:
        """The deltas of the events that came next. Events after the final one are ignored."""
        return self._thoughts.told(self._heard_in(received))

    def _heard_in(self, received: Iterable[bytes]) -> Iterator[Delta]:
        if self.is_complete:
            return
        for event in events_in(received):
            yield from self._handled(event)
            if self.is_complete:
                return

    def rest(self) -> Iterator[Delta]:
        yield from self._thoughts.told(self._left_over())
        is_answer = thoughts_are_answer(self._finish, has_called=self._has_called)
        yield from self._thoughts.rest(is_answer=self.has_finished and is_answer)

    def _left_over(self) -> Iterator[Delta]:
        yield from self._texts.end()
        if self._calls is not None and self._final is not None and self._finish != BROKEN:
            yield from self._calls.rest(is_cut=self._finish not in ("stop", "tool-calls"))

    def completed(self) -> Completed:
        final = self._final
        if final is None:
            raise ProviderIncomplete
        reason = self._finish_reason()
        # The filter let no text through: the prompt failed, and the answer is not an empty one.
        if reason == "content-filter" and not self.has_text:
            raise ContentFiltered
        usage = object_in(final, "usage")
        return Completed(
            finish_reason=reason,
            response_id=short_name(final.get("id")) or self._response_id,
            input_tokens=_tokens(usage, "input_tokens", "prompt_tokens"),
            output_tokens=_tokens(usage, "output_tokens", "completion_tokens"),
            cached_tokens=max(
                _tokens(object_in(usage, details), "cached_tokens") for details in _INPUT_DETAILS
            ),
            model=short_name(final.get("model")) or self._model,
        )

    def _finish_reason(self) -> FinishReason:
        if self._finish == BROKEN:
            raise ProviderIncomplete
        if self._has_refused:
            return "content-filter"
        if self._finish in ("stop", "tool-calls"):
            # An answer that ends in a tool call has the status `completed` too.
            return "tool-calls" if self._has_called else "stop"
        return self._finish

    def _handled(self, event: Event) -> Iterable[Delta]:
        kind = event.get("type")
        error = event.get("error")
        if error or kind == "error":
            raise error_in_stream(error or event)
        if kind is None and _is_whole(event):
            return self._end({"type": "response.completed", "response": event})
        handle = self._HANDLERS.get(kind) if isinstance(kind, str) else None
        return handle(self, event) if handle else ()

    def _begin(self, event: Event) -> Iterable[Delta]:
        self._response_id = short_name(object_in(event, "response").get("id"))
        return ()

    def _delta(self, event: Event) -> Iterable[Delta]:
        piece = text_in(event, "delta")
        return self._told(self._texts.add(self._text_of(event), piece)) if piece else ()

    def _text_of(self, event: Event) -> Text:
        kind, index = DELTAS[event["type"]]
        # Nearly every delta goes on with the text of the one before.
        place = (kind, event.get("item_id"), event.get("output_index"), event.get(index))
        if place != self._last_place:
            self._last_place = place
            self._last_text = self._texts.at(kind, _where(event, count(place[-1])))
            self._has_refused |= kind == "refusal"
        return self._last_text

    def _told(self, told: Iterable[Told]) -> Iterator[Delta]:
        for one in told:
            self.events_with_content += 1
            self._length.add(one.text)
            self.has_text = self.has_text or isinstance(one, TextDelta)
            yield one

    def _call(self, call: ToolCall) -> ToolCall:
        self.events_with_content += 1
        self._length.add(call.arguments_json)
        return call

    def _own_end(self, event: Event) -> Iterable[Delta]:
        kind, key, index = _OWN_ENDS[str(event["type"])]
        return self._complete(kind, _where(event, count(event.get(index))), event.get(key), "own")

    def _part_end(self, event: Event) -> Iterable[Delta]:
        found = text_of(event.get("part"))
        if found is None:
            return ()
        kind, whole = found
        index = event.get("summary_index" if kind == "summary" else "content_index")
        return self._complete(kind, _where(event, count(index)), whole, "part")

    def _complete(self, kind: Kind, where: Where, whole: object, source: str) -> Iterable[Delta]:
        if not isinstance(whole, str) or not whole:
            return ()
        self._has_refused |= kind == "refusal"
        return self._told(self._texts.complete(kind, where, whole, source))

    def _begun_calls(self) -> Calls:
        self._calls = self._calls or Calls(self._chosen)
        return self._calls

    def _begin_item(self, event: Event) -> Iterable[Delta]:
        item = object_in(event, "item")
        match kind_of_item(item):
            case "function_call":
                self._begun_calls().begin(_item_at(item.get("id"), event), item)
            case "reasoning":
                self._thoughts.told_apart()
        return ()

    def _arguments(self, event: Event) -> Iterable[Delta]:
        piece = arguments_in(event, "delta")
        self.events_with_content += 1
        self._arguments_length.add(piece)
        self._begun_calls().add(_item_at(event.get("item_id"), event), piece)
        return ()

    def _arguments_end(self, event: Event) -> Iterable[Delta]:
        self._begun_calls().complete_arguments(_item_at(event.get("item_id"), event), event)
        return ()

    def _item_end(self, event: Event) -> Iterable[Delta]:
        item = object_in(event, "item")
        return self._item(item, _item_at(item.get("id"), event), "item")

    def _item(self, item: Event, at: Item, source: str, all_heard: Container[Kind] = ()) -> Iterator[Delta]:
        kind = kind_of_item(item)
        if kind == "function_call":
            yield from map(self._call, self._begun_calls().complete(at, item, source))
        elif kind == "reasoning":
            self._thoughts.told_apart()
            if "encrypted_content" in item:
                self._begun_calls().note_thoughts(item)
        for kind, index, whole in texts_of(item):
            if kind not in all_heard:
                yield from self._complete(kind, _in_item(at, index), whole, source)

    def _end(self, event: Event) -> Iterator[Delta]:
        final = event.get("response")
        if not isinstance(final, dict):
            raise UnreadableError("The final event has no response.")
        if error := final.get("error"):
            raise error_in_stream(error)
        self._finish = _finish(str(event["type"]), final)
        if self._finish != BROKEN:
            yield from self._output(final.get("output"))
            if not self.has_text:
                # Some gateways write the text in place of the output.
                yield from self._complete("text", (None, 0), final.get("output_text"), "response")
        self._final = final

    def _output(self, output: object) -> Iterator[Delta]:
        items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
        wholes: dict[Kind, list[str]] = {}
        for item in items:
            for kind, _, whole in texts_of(item):
                wholes.setdefault(kind, []).append(whole)
        all_heard = [kind for kind, texts in wholes.items() if self._texts.has_all(kind, texts)]
        for position, item in enumerate(items):
            at = Item(short_name(item.get("id")), position)
            yield from self._item(item, at, "response", all_heard)

    _HANDLERS: ClassVar[dict[str, Callable[["ResponseReader", Event], Iterable[Delta]]]] = {
        "response.created": _begin,
        **dict.fromkeys(DELTAS, _delta),
        **dict.fromkeys(_OWN_ENDS, _own_end),
        "response.content_part.done": _part_end,
        "response.reasoning_summary_part.done": _part_end,
        "response.output_item.added": _begin_item,
        "response.output_item.done": _item_end,
        "response.function_call_arguments.delta": _arguments,
        "response.function_call_arguments.done": _arguments_end,
        "response.completed": _end,
        "response.done": _end,
        "response.incomplete": _end,
        "response.failed": _end,
    }


def _is_whole(event: Event) -> bool:
    """Whether this is the answer of a gateway that does not stream, and not one that somebody is to wait for."""
    is_response = event.get("object") == "response" or "output" in event or "output_text" in event
    return is_response and event.get("status") not in ("in_progress", "queued")


def _finish(kind: str, final: Event) -> Finish:
    """By the reason why it is incomplete, or else by its status. One that says that it goes on has been forgotten: the
    event is the last one.
    """
    why = object_in(final, "incomplete_details").get("reason")
    words = (why, final.get("status"), kind.removeprefix("response."))
    return next((finish for word in words if (finish := finish_of(word)) is not None), "other")


def _tokens(usage: Event, *names: str) -> int:
    """Gateways before servers of chat completions keep the names that these have."""
    return max(count(usage.get(name)) for name in names)


def _where(event: Event, index: int = 0) -> Where:
    return _in_item(_item_at(event.get("item_id"), event), index)


def _in_item(at: Item, index: int) -> Where:
    return at.item_id or at.position, index


def _item_at(item_id: object, event: Event) -> Item:
    return Item(short_name(item_id), index_in(event, "output_index"))
