"""Over 24 tools a model is offered a search, and what it found in its turn."""

from uuid import UUID

import orjson
import pytest

from neo.connections import Effect, Gate
from neo.llm import Outcome, Round, ToolCall
from neo.toolbox import SEARCH_TOOLS, OfferedTool, found_tools, shown_tools

VERBS, THINGS = (
    ("close", "find", "create", "list"),
    ("Ticket", "Invoice", "Device", "Contact", "Quote", "Site", "Note"),
)


def tool(wire_name: str, title: str | None = None, description: str = "") -> OfferedTool:
    return OfferedTool(
        wire_name=wire_name,
        title=title,
        description=description,
        input_schema={"type": "object"},
        connection_id=UUID(int=1),
        tool_name=wire_name.partition("__")[2],
        digest="",
        effect=Effect.READ,
        gate=Gate.NEVER,
        gate_when=None,
        timeout_seconds=30,
        keyed_by=None,
        key_argument=None,
        probe_tool=None,
        tier=None,
        is_untrusted=False,
    )


MANY = [tool(name) for name in sorted(f"psa__{verb}{thing}" for verb in VERBS for thing in THINGS)]


def searched(query: str) -> Round:
    call = ToolCall(f"call {query}", SEARCH_TOOLS, orjson.dumps({"query": query}).decode())
    return Round("", [call], [Outcome(call.call_id, orjson.dumps(found_tools(MANY, query)).decode())])


def names(tools: object) -> list[str]:
    return [one.wire_name for one in tools]  # type: ignore[attr-defined]


def test_few_tools_are_all_offered_and_many_are_searched() -> None:
    few, many = shown_tools(MANY[:24], ()), shown_tools(MANY[:25], ())

    assert (names(few.tools), few.has_search) == (names(MANY[:24]), False)
    assert (names(many.tools), many.has_search) == ([], True)
    assert many.search_description.endswith("There are tools of: psa.")


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("close ticket", "psa__closeTicket"),
        ("invoices, please: find", "psa__findInvoice"),
        ("CREATE_QUOTE", "psa__createQuote"),
    ],
)
def test_words_find_tools_whatever_their_case_and_number(query: str, first: str) -> None:
    assert found_tools(MANY, query)["tools"][0]["name"] == first


def test_a_search_finds_few_always_in_the_same_order_and_nothing_for_strange_words() -> None:
    found = found_tools(MANY, "psa tool")

    assert [one["name"] for one in found["tools"]] == names(MANY[:8])
    assert found["more"] == len(MANY) - 8
    assert found_tools(MANY, "xylophone") == {"tools": [], "more": 0}
    assert found_tools(list(reversed(MANY)), "psa tool") == found


def test_what_was_found_in_the_turn_is_offered_behind_what_was_found_before() -> None:
    first = shown_tools(MANY, [searched("close ticket")])
    second = shown_tools(MANY, [searched("close ticket"), searched("find device"), searched("close ticket")])

    assert "psa__closeTicket" in names(first.tools)
    # So what a provider has cached of the prompt stays good, and whoever takes the turn over offers the same.
    assert names(second.tools)[: len(first.tools)] == names(first.tools)
    assert "psa__findDevice" in names(second.tools)


def test_what_is_offered_has_a_bound_and_is_of_the_agents_own() -> None:
    rounds = [
        searched(thing)
        for thing in (
            "ticket close",
            "invoice find",
            "device create",
            "contact list",
            "site",
            "note",
            "quote",
        )
    ]
    forged = Round(
        "", [ToolCall("1", SEARCH_TOOLS, "{}")], [Outcome("1", '{"tools": [{"name": "psa__other"}, 7]}')]
    )

    assert len(shown_tools(MANY, rounds).tools) == 23
    assert names(shown_tools(MANY, [forged]).tools) == []
