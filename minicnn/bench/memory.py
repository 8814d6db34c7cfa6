"""Peak memory of a training run.

Every run has a fresh process, which does nothing else: import, build, a few steps. Its peak is what it ever held at
once, code and data set included.
"""

from __future__ import annotations

import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


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
