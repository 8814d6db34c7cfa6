"""How long it takes from nothing to the first step.

Every measurement is a fresh process, which reads the clock at its first line and at the end. Python's own start, some
hundredths of a second, is not in it; all imports are. The kernel cache is Numba's folder of compiled functions.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict

from .clock import Spread, ratio
from .peers import PEERS
from .settings import Settings

IMPORT, WARM, EMPTY = "import", "first step", "first step, empty kernel cache"
BASE = "minicnn"
NETWORK, BATCH = "digit", 20
ROUNDS = 3  # at most: a process takes seconds

TIMED = "import time; start = time.perf_counter(); {code}; print(time.perf_counter() - start, file=answers)"
HEADER = "import os, sys; answers = os.fdopen(os.dup(1), 'w'); os.dup2(2, 1); "
FIRST_STEP = (
    "from minicnn.bench.networks import NETWORKS; from minicnn.bench.peers import PEERS; peer = PEERS[{peer!r}](); "
    "peer.prepare(NETWORKS[{network!r}](), {batch}, {threads}); peer.steps(1)"
)


def measure(settings: Settings, say: Callable[[str], None]) -> Iterator[dict]:
    """Yield a row for the import and the first step of every peer, minicnn's with an empty cache too.

    Yields
    ------
    row : dict
        "what", "peer", "threads", "seconds", and "ratio" to minicnn's; the last two are spreads.
    """
    threads = max(settings.threads)
    peers = [peer for peer in settings.peers if peer != "vectorized"]  # NumPy alone: nothing to compare
    seconds: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        variables = {"NUMBA_CACHE_DIR": folder}
        for peer in peers:
            _run(peer, _first_step(peer, threads), threads, variables)  # fills the caches
        for _ in range(min(settings.effort.rounds, ROUNDS)):
            for peer in peers:
                importing = _run(peer, f"import {PEERS[peer].module}", threads, variables)
                seconds.setdefault((IMPORT, peer), []).append(importing)
                seconds.setdefault((WARM, peer), []).append(_run(peer, _first_step(peer, threads), threads, variables))
            if BASE in peers:
                seconds.setdefault((EMPTY, BASE), []).append(_with_empty_cache(threads))
    for (what, peer), values in seconds.items():
        row = {"what": what, "peer": peer, "threads": threads, "seconds": asdict(Spread.of(values))}
        if (what, BASE) in seconds:
            row["ratio"] = asdict(ratio(values, seconds[what, BASE]))
        yield row


def _with_empty_cache(threads: int) -> float:
    with tempfile.TemporaryDirectory() as empty:
        return _run(BASE, _first_step(BASE, threads), threads, {"NUMBA_CACHE_DIR": empty})


def _first_step(peer: str, threads: int) -> str:
    return FIRST_STEP.format(peer=peer, network=NETWORK, batch=BATCH, threads=threads)


def _run(peer: str, code: str, threads: int, variables: dict[str, str]) -> float:
    """Seconds that the code took in a fresh process."""
    environment = os.environ | PEERS[peer].environment(threads) | variables
    command = [sys.executable, "-c", HEADER + TIMED.format(code=code)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(result.stdout)
