"""A port that was chosen is still free when its engine takes it."""

import socket
import subprocess
import sys

from neo.engines.ports import CHOICE, choose_port, free_port


def test_no_port_is_chosen_that_an_outgoing_connection_may_be_given() -> None:
    chosen = {free_port() for _ in range(200)}

    assert chosen <= set(CHOICE)
    assert given_ports(200).isdisjoint(CHOICE)
    # Two processes that choose in the same moment do not choose the same one.
    assert len(chosen) > 150


def test_a_taken_port_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]

        assert choose_port(port) != port
    assert choose_port(port) == port
    assert choose_port(port, but={port}) != port


def test_the_local_model_says_that_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "neo.engines.local_model", "--port", str(port)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert said.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in said.stderr
    assert "Traceback" not in said.stderr


def given_ports(count: int) -> set[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return {one.getsockname()[1] for one in sockets}
    finally:
        for one in sockets:
            one.close()
