"""Turns one after the other with an instant model of 50 tokens: accept, first token, end.

    .venv/bin/python bench/sequential.py [--turns 100] [--rounds 3]

Starts `neo serve` with the scripted model on a folder of its own. The client is plain sockets in this process, so
that it is not what is measured. Machines are noisy: compare rounds of one run, and runs side by side.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WARM_TURNS = 20
SESSIONS = "/public-api/chat/sessions"
ROW = "{:>8} {:>14} {:>14} {:>14} {:>16}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=100, help="measured turns a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each in a session of its own")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, told = serve(Path(folder) / "data")
        try:
            print(ROW.format("round", "accept ms", "first ms", "end ms", "in the server"))
            for number in range(options.rounds):
                print(ROW.format(number + 1, *measured(told, options.turns)))
        finally:
            process.terminate()
            process.wait()
            instance = (Path(folder) / "data" / "instance").read_text().strip()
            shutil.rmtree(Path("/var/lib/neo") / instance, ignore_errors=True)


def serve(data: Path) -> tuple["subprocess.Popen[bytes]", dict[str, Any]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "neo", "serve", "--port", str(port), "--data", str(data), "--json"],
        env={**clean, "NEO_MODEL_FAST": "scripted:tokens=50", "NEO_RATE_LIMIT_REQUESTS": "0"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, {**json.loads(process.stdout.readline()), "port": port}


def measured(told: dict[str, Any], turns: int) -> list[str]:
    posts = connect(told["port"])
    head = f"Host: bench\r\nAuthorization: Bearer {told['api_key']}\r\n"
    session = ask(posts, f"POST {SESSIONS} HTTP/1.1\r\n{head}", {"managed_agent_key": "NEO_SUPPORT"})["data"][
        "id"
    ]
    times = [turn(told["port"], posts, head, session) for _ in range(WARM_TURNS + turns)][WARM_TURNS:]
    posts.close()
    return ["{:.1f} / {:.1f}".format(*middle_and_slow(column)) for column in zip(*times, strict=True)]


def turn(port: int, posts: socket.socket, head: str, session: str) -> tuple[float, float, float, float]:
    """Milliseconds from the post to its 202, to the first word, to the end; and within the server."""
    begun = time.perf_counter()
    answer = ask(posts, f"POST {SESSIONS}/{session}/messages HTTP/1.1\r\n{head}", {"message": "Hello"})
    accepted = time.perf_counter()
    since = answer["data"]["since_cursor"]
    with connect(port) as tail:
        tail.sendall(f"GET {SESSIONS}/{session}/events?since={since} HTTP/1.1\r\n{head}\r\n".encode())
        received, first = b"", 0.0
        while b"[DONE]" not in received:
            received += tail.recv(65536)
            if not first and b"text-delta" in received:
                first = time.perf_counter()
    ended = time.perf_counter()
    spent = [(moment - begun) * 1000 for moment in (accepted, first, ended)]
    return spent[0], spent[1], spent[2], answer["meta"]["timings_ms"]["total"]


def ask(line: socket.socket, head: str, body: dict[str, Any]) -> dict[str, Any]:
    sent = json.dumps(body).encode()
    line.sendall(
        f"{head}Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n".encode() + sent
    )
    received = b""
    while b"\r\n\r\n" not in received:
        received += line.recv(65536)
    headers, _, rest = received.partition(b"\r\n\r\n")
    length = int(headers.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(rest) < length:
        rest += line.recv(65536)
    return dict(json.loads(rest))


def connect(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def middle_and_slow(column: tuple[float, ...]) -> tuple[float, float]:
    return statistics.median(column), sorted(column)[int(len(column) * 0.95)]


if __name__ == "__main__":
    main()
