"""The seam between one call and the API that it speaks: what a dialect is made of."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import httpx2

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Completed, Delta
from neo.llm.prompt import Prompt
from neo.llm.providers import Address


class Reader(Protocol):
    """Turns the events of one answer into deltas, and tells when the answer is over."""

    events_with_content: int
    """How many events brought text, reasoning or arguments. Pings and progress reports do not count."""

    @property
    def has_text(self) -> bool:
        """Whether text has come; until then a model that reasons may be silent for longer."""

    @property
    def has_finished(self) -> bool:
        """Whether the provider has said that the answer is over; what follows can be no more than its usage."""

    @property
    def awaits_usage(self) -> bool:
        """Whether the provider was asked to count the tokens in an event of its own, and has not yet."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing can follow, so that nothing more is read."""

    def deltas(self, received: Iterable[bytes]) -> Iterator[Delta]:
        """The deltas of the events that came next, each given as its data. Events after the last one are ignored."""

    def rest(self) -> Iterator[Delta]:
        """What was held back until the answer is over, once nothing more comes."""

    def completed(self) -> Completed:
        """The end of the answer; raises a failure unless the provider has said that it is whole."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    # Parsed once, not with each call.
    url: httpx2.URL
    headers: dict[bytes, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dialect:
    request_body: Callable[[ChosenModel, Prompt, str | None], bytes]
    """The call's body. The last argument is the id of the response to go on from, where the API keeps responses."""
    endpoint: Callable[[ChosenModel], Endpoint]
    reader: Callable[[ChosenModel], Reader]


def json_headers(address: Address, *, key_header: str = "authorization") -> dict[bytes, bytes]:
    key = f"Bearer {address.api_key}" if key_header == "authorization" else address.api_key
    of_key = {key_header.encode(): key.encode()} if address.api_key else {}
    return {
        **of_key,
        b"accept": b"application/json",
        b"content-type": b"application/json",
        b"user-agent": b"neo",
    }
