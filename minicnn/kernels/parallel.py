"""Run one piece of work over slices of a batch, a thread each, with BLAS held to one thread meanwhile.

Two pools that both want every core disturb each other: an idle BLAS thread spins while a kernel computes, and the other
way round. So there is one pool, ours. Each thread takes one contiguous slice of the batch and runs NumPy, BLAS and
kernels on it (all of them release Python's global lock), and the results come back in the order of the slices: the same
number of threads gives bit-identical sums.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from queue import SimpleQueue
from typing import TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from . import memory

Result = TypeVar("Result")

BLAS_BUFFERS = (64, 320), (320, 768)  # shapes of a product that fills OpenBLAS's buffers on processors with AVX2
WORTH_A_THREAD = 1 << 17  # numbers; below it, handing the work over costs more than doing it
TOO_SMALL_FOR_BLAS = 1 << 13  # numbers; products of such matrices OpenBLAS does in one thread by itself (m n k < 2^18)

_local = threading.local()  # .threads: the number of the `threads` block that this thread is in


def default_threads() -> int:
    """Number of threads: the environment variable MINICNN_THREADS, else the physical cores this process may use.

    Two threads that share a core share its arithmetic units too: for matrix products the second gains nothing.

    Raises
    ------
    ValueError
        If MINICNN_THREADS is not a positive whole number.
    """
    asked = os.environ.get("MINICNN_THREADS")
    if asked is None:
        return _cores()
    if not asked.isdecimal() or int(asked) < 1:
        raise ValueError(f"MINICNN_THREADS takes a whole number of at least 1, got {asked!r}.")
    return int(asked)


def check_threads(number: int | None) -> None:
    """See that `number` is a number of threads, or None.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if number is not None and (not isinstance(number, int) or number < 1):
        raise ValueError(f"threads takes a whole number of at least 1, got {number!r}.")


@cache
def _cores() -> int:
    import psutil  # comes when first used

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(psutil.cpu_count(logical=False) or allowed, allowed)


@contextmanager
def threads(number: int | None = None) -> Iterator[None]:
    """Inside this block, work of the calling thread is spread over `number` threads (None: as outside the block).

    Holding the block around a whole training run also saves asking BLAS again at every layer.
    """
    outside = _asked_for()
    if number is None and outside:  # nothing changes, and BLAS is held already
        yield
        return
    check_threads(number)
    memory.keep_freed()
    with _one_blas_thread:
        _local.threads = number or outside or default_threads()
        try:
            yield
        finally:
            _local.threads = outside


def over_batch(work: Callable[[slice], Result], n: int, size: int) -> list[Result]:
    """Call `work` with slices that together cover range(n), a thread each, and return the results in order.

    Parameters
    ----------
    work : function of a slice
    n : int
        Length of the batch.
    size : int
        How many numbers the whole work touches; a small one is done in the calling thread.
    """
    if size <= TOO_SMALL_FOR_BLAS:
        return [work(slice(0, n))]
    if _asked_for() is None:
        with threads():
            return over_batch(work, n, size)
    number = min(_asked_for(), n) if size > WORTH_A_THREAD else 1
    if number == 1:
        return [work(slice(0, n))]
    bounds = [n * k // number for k in range(number + 1)]
    first, *others = [slice(start, stop) for start, stop in pairwise(bounds)]
    return _pool(number - 1).run(work, first, others)


def _asked_for() -> int | None:
    """The number of threads of the `threads` block that the calling thread is in, if it is in one."""
    return getattr(_local, "threads", None)


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`a @ b` of two matrices, by slices of the rows of a."""
    y = np.empty((a.shape[0], b.shape[1]), a.dtype)
    over_batch(lambda s: np.matmul(a[s], b, out=y[s]), len(a), a.size + b.size + y.size)
    return y


class _Pool:
    """Threads that wait for slices of work.

    `concurrent.futures` would do, but its futures take several times as long to hand a slice over, forty times a
    training step: with small batches that is felt.
    """

    def __init__(self, workers: int):
        self.tasks: SimpleQueue = SimpleQueue()
        for _ in range(workers):
            threading.Thread(target=self._serve, name="minicnn", daemon=True).start()

    def _serve(self) -> None:
        while True:
            context, work, part, place, done = self.tasks.get()
            result, error = None, None
            try:
                result = context.run(work, part)
            except BaseException as caught:  # raised again in the thread that asked
                error = caught
            del context, work  # with all the arrays it refers to, before the others go on
            done.put((place, result, error))
            del result, error

    def run(self, work: Callable[[slice], Result], first: slice, others: list[slice]) -> list[Result]:
        """Do the first slice here and the others in the pool; return, or raise, when all are done."""
        done: SimpleQueue = SimpleQueue()
        for place, part in enumerate(others):
            self.tasks.put((contextvars.copy_context(), work, part, place, done))  # in which np.errstate holds, too
        try:
            result = work(first)
        finally:
            outcomes = sorted((done.get() for _ in others), key=lambda outcome: outcome[0])
        for _, _, error in outcomes:
            if error is not None:
                raise error
        return [result, *(value for _, value, _ in outcomes)]


class _OneBlasThread:
    """Holds BLAS to one thread while at least one block is inside, in any thread; then puts back what was."""

    def __init__(self):
        self.lock, self.inside, self.limit = threading.Lock(), 0, None

    def __enter__(self):
        with self.lock:
            if self.inside == 0:
                number = default_threads()  # raises before anything has changed
                _take_control_of_blas()
                self.limit = _blas().limit(limits=1, user_api="blas")
                _prepare_blas(number)
            self.inside += 1

    def __exit__(self, *exception):
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                _take_control_of_blas()  # the first to enter need not be the last to leave
                self.limit.restore_original_limits()
                _take_control_of_blas()


def _take_control_of_blas() -> None:
    """Let the present thread set the number, and after it any other.

    From version 3.8 on, threadpoolctl lets only the first thread set OpenBLAS's number, until that thread gives control
    back, and ignores all others without a word.
    """
    for library in _blas().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


@cache
def _prepare_blas(number: int) -> None:
    """Multiply two matrices of the size of OpenBLAS's buffers, in as many threads at once as may be used.

    OpenBLAS copies parts of its operands into a buffer, one for each thread at work, and fetches ahead beyond what it
    has copied. Where that memory was never written, each fetch is a failing search for a page: on a virtual machine,
    products with more than 128 inner terms ran at a third of their speed until one large product had come by.
    """
    a, b = (np.ones(shape, np.float32) for shape in BLAS_BUFFERS)
    start_together = threading.Barrier(number)

    def multiply() -> None:
        start_together.wait()
        np.matmul(a, b)

    threads = [threading.Thread(target=multiply) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


@cache
def _pool(workers: int) -> _Pool:
    return _Pool(workers)


def _forget_after_fork() -> None:
    """Forked children have none of the parent's threads: start anew, and put BLAS back if the parent held it."""
    global _one_blas_thread, _local
    _pool.cache_clear()
    _local = threading.local()  # outside of all blocks
    if _one_blas_thread.inside:
        _take_control_of_blas()
        _one_blas_thread.limit.restore_original_limits()
    _one_blas_thread = _OneBlasThread()


_one_blas_thread = _OneBlasThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
