"""Keep the memory of freed arrays in the process, for the next training step to use.

A step makes and frees the same large arrays as the step before. By default glibc, the C library of most Linux systems,
hands a large piece back to the system as soon as it is free. The next step gets new pages, and each of them costs a
page fault, in which the system finds and clears it: 4,000 of them, a fifth of the step, with the small network of
`minicnn bench` at batch 128. Told to keep what is freed, it causes none, and hardly more memory is held at a time.

Other C libraries have no such call, and are left as they are.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # what mallopt calls them, in malloc.h
KEEP_UP_TO = 1 << 30  # bytes free at the end of the heap
LARGEST_PIECE = 1 << 25  # bytes; larger ones always come from the system, glibc takes no larger number here


@cache
def keep_freed() -> None:
    """From now on, keep freed memory, as far as the C library can; done once in a process."""
    libc = _glibc()
    if libc:
        libc.mallopt(MMAP_THRESHOLD, LARGEST_PIECE)
        libc.mallopt(TRIM_THRESHOLD, KEEP_UP_TO)


def give_back() -> None:
    """Hand what is free now back to the system."""
    libc = _glibc()
    if libc:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library of this process if it has both calls."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
