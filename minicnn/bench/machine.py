"""What the numbers were measured on and with."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

from .peers import PEERS

CPUINFO, STAT = Path("/proc/cpuinfo"), Path("/proc/stat")
LOOK = 0.5  # seconds
IDLE, WAITING = 3, 4  # columns of /proc/stat's first line


def about() -> dict:
    """Processor, cores, system, versions, matrix product library and how busy the machine is with other work."""
    import numpy  # noqa: F401  its matrix product is looked for below
    from threadpoolctl import threadpool_info

    from ..kernels.parallel import default_threads

    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": default_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "numba", "threadpoolctl")},
        "blas": [f"{b['internal_api']} {b['version']} ({b.get('architecture', '?')})" for b in blas],
        "busy": busy(),
    }


def busy() -> float | None:
    """How many cores are at work while this process sleeps: 0 where nothing else runs; None where nothing tells."""
    if not STAT.exists():
        return None
    before = _core_seconds()
    time.sleep(LOOK)
    spent = [after - earlier for after, earlier in zip(_core_seconds(), before, strict=True)]
    return (1 - (spent[IDLE] + spent[WAITING]) / max(sum(spent), 1)) * (os.cpu_count() or 1)


def _core_seconds() -> list[int]:
    """What all cores together have spent so far on each kind of work and on none, in the system's ticks."""
    return [int(number) for number in STAT.read_text().split("\n", 1)[0].split()[1:]]


def processor() -> str:
    """Its name."""
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def peers() -> dict[str, str]:
    """Version of every contestant, or "not installed"."""
    return {name: peer.version() if peer.available() else "not installed" for name, peer in PEERS.items()}
