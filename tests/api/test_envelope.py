import httpx2


async def test_an_answer_says_what_was_asked_for_whose_request_it_was_and_where_the_time_went(
    http: httpx2.AsyncClient,
) -> None:
    answer = await http.post("/things/one", json={"name": "one", "inner": {"size": 2}})

    body = answer.json()
    assert answer.status_code == 202
    assert body["data"] == {"name": "one", "inner": {"size": 2}}
    assert set(body["meta"]) == {"request_id", "timings_ms"}
    assert body["meta"]["request_id"] == answer.headers["x-request-id"]
    assert list(body["meta"]["timings_ms"]) == ["body", "handle", "total"]
    assert answer.headers["cache-control"] == "no-store"


async def test_fields_that_nobody_knows_are_warned_of_by_their_path_and_only_so_many(
    http: httpx2.AsyncClient,
) -> None:
    sent = {"name": "one", "inner": {"size": 1, "depth": 2}, **{f"x{number:02}": 0 for number in range(30)}}

    warnings = (await http.post("/things/one", json=sent)).json()["meta"]["warnings"]

    assert warnings[0] == "Unknown field ignored: x00"
    assert warnings[-1] == "Unknown fields ignored: 11 more."
    few = (await http.post("/things/one", json={"name": "one", "inner": {"depth": 2}})).json()
    assert few["meta"]["warnings"] == ["Unknown field ignored: inner.depth"]
