"""Neo beside its peers, in the same minutes: A1, A64 and B200, by rounds.

python -m bench.peers [langgraph,agno] [--rounds 2]
"""

import argparse
import asyncio
import gc
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop
from bench.children import end_on_sigterm
from bench.peers.install import NotInstalledError, installed
from bench.peers.peer import Peer
from bench.peers.shown import shown
from bench.peers.trial import Trial, try_neo, try_peer

from bench import results

PEERS = ("bare", "chatkit", "agno", "langgraph", "aegra")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peers", nargs="?", default=",".join(PEERS), help="some of them, by commas")
    parser.add_argument("--rounds", type=int, default=2, help="how often each is started and measured")
    options = parser.parse_args()
    gc.disable()
    peers, left_out = _installed(options.peers.split(","))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        trials = runner.run(_measure(peers, left_out, options.rounds))
    section = shown(trials, [peer for peer, _ in peers], left_out, options.rounds)
    print(section)
    results.keep(section)


def _installed(names: Sequence[str]) -> tuple[list[tuple[Peer, Path]], dict[str, str]]:
    peers: list[tuple[Peer, Path]] = []
    left_out: dict[str, str] = {}
    for name in names:
        peer: Peer = importlib.import_module(f"bench.peers.{name}").PEER
        print(f"{name}: installing, if it is not there", file=sys.stderr)
        try:
            peers.append((peer, installed(peer)))
        except NotInstalledError as error:
            left_out[name] = f"cannot be installed here: {error}"
    return peers, left_out


async def _measure(peers: list[tuple[Peer, Path]], left_out: dict[str, str], rounds: int) -> list[Trial]:
    end_on_sigterm()
    trials: list[Trial] = []
    for number in range(rounds):
        print(f"round {number + 1}: neo", file=sys.stderr)
        trials.append(await try_neo())
        for peer, python in peers:
            if peer.name not in left_out:
                print(f"round {number + 1}: {peer.name}", file=sys.stderr)
                try:
                    trials.append(await try_peer(peer, python))
                except (OSError, TimeoutError, ChildProcessError) as error:
                    left_out[peer.name] = f"does not start here: {error or type(error).__name__}"
        gc.collect()
    return trials


if __name__ == "__main__":
    main()
