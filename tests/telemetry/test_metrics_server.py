"""The metrics' own port."""

import socket
from collections.abc import Iterator

import httpx2
import pytest

from neo.telemetry import turn_metrics
from neo.telemetry.metrics_server import MetricsNotServed, metrics_served
from support.metrics import read_metrics


@pytest.fixture
def port() -> Iterator[int]:
    with metrics_served("127.0.0.1", 0) as port:
        yield port


async def test_what_is_counted_can_be_read(port: int) -> None:
    before = await read_metrics(port)

    turn_metrics.ended("CANCELLED", 1.5)

    after = await read_metrics(port)
    assert after.value("turns_cancelled_total") - before.value("turns_cancelled_total") == 1
    sums = [one.value("turn_end_seconds_sum", outcome="cancelled") for one in (before, after)]
    assert sums[1] - sums[0] == pytest.approx(1.5)


@pytest.mark.parametrize("path", ["/", "/metrics/", "/debug", "/public-api/health"])
async def test_nothing_else_is_on_that_port(port: int, path: str) -> None:
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        answer = await http.get(f"http://127.0.0.1:{port}{path}")

    assert answer.status_code == 404
    assert "neo_" not in answer.text


async def test_metrics_cannot_be_written(port: int) -> None:
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        answer = await http.post(f"http://127.0.0.1:{port}/metrics", content=b"x")

    assert answer.status_code == 405


def test_a_port_that_is_taken_is_told_by_the_settings_name() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        with (
            pytest.raises(MetricsNotServed, match="NEO_METRICS_PORT"),
            metrics_served("127.0.0.1", other.getsockname()[1]),
        ):
            pass


def test_the_port_is_free_again_after_the_block() -> None:
    with metrics_served("127.0.0.1", 0) as port:
        pass

    with metrics_served("127.0.0.1", port) as again:
        assert again == port
