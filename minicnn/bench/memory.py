"""Peak memory of a training run, and how it grows with the batch.

Every run has a fresh process, which does nothing else: import, build, a few steps. Its peak is what it ever held at
once, code and data set included.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .settings import Settings

STATUS = Path("/proc/self/status")
STEPS = 6
BASE = "minicnn"


def measure(settings: Settings, say: Callable[[str], None]) -> Iterator[dict]:
    """Yield a row for every peer, network and batch size, with the largest number of threads.

    Yields
    ------
    row : dict
        "network", "batch", "threads", "peer"; "bytes" at the peak, "before" the first step; "ratio" of the peak to
        minicnn's.
    """
    from .worker import Worker, WorkerError

    threads = max(settings.threads)
    for network in settings.networks:
        for batch in settings.batches:
            base = None
            for peer in settings.peers:
                try:
                    with Worker(peer, threads) as worker:
                        worker.prepare(network, batch)
                        before = worker.peak_memory()
                        worker.steps(STEPS)
                        after = worker.peak_memory()
                except WorkerError as error:
                    say(f"left out: {error}")
                    continue
                base = after if peer == BASE else base
                row = {"network": network, "batch": batch, "threads": threads, "peer": peer}
                yield row | {"bytes": after, "before": before, "ratio": after / base if base else None}


def peak() -> int:
    """Most bytes of physical memory that this process has held at once.

    Linux's `VmHWM` counts from the start of the program; `ru_maxrss` there may begin with the parent's peak.
    """
    if STATUS.exists():
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
