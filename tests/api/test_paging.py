"""A list is walked to its end by cursors that are good for that list only."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import httpx2
import pytest

from api.stage import ROWS, error_of
from neo.api import InvalidPage, Page, moment_before, page_token, read_page_token

KIND = "things"


async def test_pages_go_to_the_end_and_the_last_one_has_no_cursor(http: httpx2.AsyncClient) -> None:
    cursor, names = None, []
    for _ in range(3):
        asked = {"page_size": 2, **({"cursor": cursor} if cursor else {})}
        body = (await http.get("/things", params=asked)).json()
        names += [one["name"] for one in body["data"]]
        pagination = body["meta"]["pagination"]
        cursor = pagination["next_cursor"]
        assert pagination["has_more"] is (cursor is not None)

    assert names == [str(number) for number in range(ROWS, 0, -1)]
    assert cursor is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        page_token("others", 3),
        page_token(KIND),
        page_token(KIND, 3, 3),
        page_token(KIND, "3"),
        page_token(KIND, 3.0),
        page_token(KIND, True),
        page_token(KIND, 0),
        page_token(KIND, 2**31),
        page_token(KIND, 3)[:-1],
    ],
)
async def test_a_cursor_that_was_not_given_for_this_list_is_refused(
    http: httpx2.AsyncClient, cursor: str
) -> None:
    answer = await http.get("/things", params={"cursor": cursor})

    assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("size", ["0", "201", "-1", "x"])
async def test_a_page_has_1_to_200_rows(http: httpx2.AsyncClient, size: str) -> None:
    assert (await http.get("/things", params={"page_size": size})).status_code == 422


def test_a_moment_in_a_cursor_comes_back_in_utc() -> None:
    moment, row_id = datetime(2031, 5, 6, 7, 8, 9, 10, tzinfo=timezone(timedelta(hours=2))), uuid4()

    found = moment_before(KIND, Page(1, page_token(KIND, moment.isoformat(), row_id)))

    assert found == (moment, row_id)
    assert found[0].tzinfo is UTC
    assert moment_before(KIND, Page(1, None)) is None


@pytest.mark.parametrize(
    "position",
    [("2031-05-06T07:08:09", str(uuid4())), ("x", str(uuid4())), (1, 2), ("2031-05-06T07:08:09Z", "x")],
)
def test_a_moment_without_a_zone_or_an_id_that_is_none_is_refused(position: tuple[object, ...]) -> None:
    with pytest.raises(InvalidPage):
        moment_before(KIND, Page(1, page_token(KIND, *position)))


def test_a_cursor_carries_its_position_unchanged() -> None:
    assert read_page_token(KIND, page_token(KIND, "Ä name", 7), 2) == ["Ä name", 7]
