"""However the bytes and the texts of an answer are cut, the same comes of it; and no JSON breaks the reading."""

from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from llm.asking import joined
from llm.chat_completions.talk import DONE, STOP, called, said, thought, usage
from llm.chat_completions.test_chat_request import CHOSEN
from llm.odd_json import odd_json
from neo.errors import Failure
from neo.llm import Delta, ReasoningDelta, TextDelta, ToolCall
from neo.llm.chat_completions.reader import ChatCompletionReader
from neo.llm.reading.event import UnreadableError
from neo.llm.transport.body import EventDecoder
from neo.llm.transport.provider_error import ProviderError

TEXT = "\n<think>\nSo 3 < 4 \U0001f914</think>\n\nSay <\u200d|im_end|> \U0001f600, or <think>."
THOUGHTS, ANSWER = "So 3 < 4 \U0001f914", "Say <|im_end|> \U0001f600, or <think>."
ARGUMENTS = '{"w": "\U0001f600 <\u200d|im_end|>"}'


def read(chunks: list[bytes]) -> list[Delta]:
    reader, decoder = ChatCompletionReader(CHOSEN), EventDecoder()
    deltas = [delta for one in chunks for delta in reader.deltas(decoder.feed(one))]
    return joined([*deltas, *reader.deltas(decoder.end()), *reader.rest(), reader.completed()])


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[begin:end] for begin, end in pairwise(places)]


def in_halves(text: str) -> str:
    """The text with the two halves of a surrogate pair for each character that has them."""
    units = text.encode("utf-16-le")
    return "".join(chr(int.from_bytes(units[at : at + 2], "little")) for at in range(0, len(units), 2))


cuts = st.lists(st.integers(0, 10_000), max_size=12)


@given(cuts, cuts, cuts, cuts)
def test_every_cut_of_the_texts_and_of_the_bytes_gives_the_same(
    texts: list[int], thoughts: list[int], arguments: list[int], places: list[int]
) -> None:
    def written(one: bytes, text: str, to: str) -> bytes:
        escaped = "".join(f"\\u{ord(character):04x}" for character in to)
        return one.replace(orjson.dumps(text), b'"%b"' % escaped.encode())

    body = b"".join(
        [
            *(written(thought("X"), "X", piece) for piece in pieces(in_halves("h\U0001f914m"), thoughts)),
            *(written(said("X"), "X", piece) for piece in pieces(in_halves(TEXT), texts)),
            called(name="say", call_id="a"),
            *(written(called("X"), "X", piece) for piece in pieces(in_halves(ARGUMENTS), arguments)),
            STOP,
            usage(7, 3),
            DONE,
        ]
    )
    ends = sorted({0, len(body), *(place % len(body) for place in places)})

    deltas = read([body[begin:end] for begin, end in pairwise(ends)])

    assert deltas[:-1] == [
        ReasoningDelta(0, f"h\U0001f914m{THOUGHTS}"),
        TextDelta(1, ANSWER),
        ToolCall("a", "say", ARGUMENTS.replace("\u200d", "")),
    ]


json = odd_json(6)


def objects(*names: str, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.fixed_dictionaries({}, optional={name: known.get(name, json) for name in (*names, *known)}) | json
    )


functions = objects("name", "arguments")
calls = st.lists(objects("id", "name", index=st.integers(0, 1) | json, function=functions), max_size=3) | json
parts = objects("type", "text", "thinking", "refusal")
deltas = objects(
    "refusal", "function_call", "reasoning", "reasoning_content", "thinking", "reasoning_details",
    content=st.lists(parts, max_size=2) | json, tool_calls=calls,
)  # fmt: skip
choices = objects(
    "index", "error", "usage", delta=deltas, message=deltas, finish_reason=st.just("stop") | json
)
events = objects(
    "id",
    "model",
    "object",
    "usage",
    "error",
    "message",
    "detail",
    "x_groq",
    choices=st.lists(choices, max_size=2) | json,
)


@given(st.lists(events, max_size=5))
def test_no_json_breaks_the_reading(told: list[Any]) -> None:
    reader = ChatCompletionReader(CHOSEN)

    try:
        for delta in reader.deltas(map(orjson.dumps, told)):
            assert isinstance(delta, TextDelta | ReasoningDelta)
        for delta in reader.rest():
            assert isinstance(delta, TextDelta | ReasoningDelta | ToolCall)
        reader.completed()
    except (Failure, ProviderError, UnreadableError):
        pass
