"""The thread pool: slices, order, BLAS held and released, and a fork in between."""

import ctypes
import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from minicnn.catalogue import small_network
from minicnn.kernels import parallel
from minicnn.layers import dropout

BIG = parallel.WORTH_A_THREAD + 1


@pytest.fixture
def two_blas_threads():
    if not blas_threads():
        pytest.skip("threadpoolctl does not know this BLAS")
    with threadpool_limits(2, user_api="blas"):
        yield


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize(("n", "threads"), [(1, 1), (10, 1), (10, 3), (3, 8), (7, 7)])
def test_slices_cover_the_batch_in_order(n, threads):
    with parallel.threads(threads):
        slices = parallel.over_batch(lambda s: s, n, BIG)
    assert len(slices) == min(n, threads)
    assert [i for s in slices for i in range(s.start, s.stop)] == list(range(n))
    lengths = [s.stop - s.start for s in slices]
    assert max(lengths) - min(lengths) <= 1


def test_small_work_stays_in_one_piece():
    with parallel.threads(4):
        assert parallel.over_batch(lambda s: s, 100, 100) == [slice(0, 100)]


def test_blas_is_held_to_one_thread_and_put_back(two_blas_threads):
    assert blas_threads() == {2}
    with parallel.threads(2):
        assert blas_threads() == {1}
        with parallel.threads(1):
            assert blas_threads() == {1}
        assert parallel.over_batch(lambda s: blas_threads(), 2, BIG) == [{1}, {1}]
        assert blas_threads() == {1}
    assert blas_threads() == {2}


def test_blas_is_held_whichever_thread_asks(two_blas_threads):
    """Two threads that overlap: the first to enter leaves first, and the main thread has a limit of its own."""
    entered, leave, seen = threading.Barrier(3), [threading.Event(), threading.Event()], []

    def hold(k):
        with parallel.threads(2):
            entered.wait()
            seen.append(blas_threads())
            leave[k].wait()

    workers = [threading.Thread(target=hold, args=(k,)) for k in (0, 1)]
    for worker in workers:
        worker.start()
    entered.wait()
    during = [blas_threads()]
    for worker, event in zip(workers, leave, strict=True):
        during.append(blas_threads())
        event.set()
        worker.join()
    assert during == [{1}] * 3
    assert seen == [{1}, {1}]
    assert blas_threads() == {2}


def test_an_environment_variable_that_is_no_number_leaves_blas_alone(two_blas_threads, monkeypatch):
    monkeypatch.setenv("MINICNN_THREADS", "many")
    with pytest.raises(ValueError, match="MINICNN_THREADS"), parallel.threads(2):
        pass
    assert blas_threads() == {2}


def test_others_can_set_blas_again_afterwards(two_blas_threads):
    with parallel.threads(2):
        pass
    with threadpool_limits(1, user_api="blas"):
        assert blas_threads() == {1}
    with threadpool_limits(2, user_api="blas"):
        assert blas_threads() == {2}


def test_blas_is_put_back_after_an_error(two_blas_threads):
    def fail(part):
        raise ArithmeticError(f"in {part}")

    with pytest.raises(ArithmeticError, match="in slice"), parallel.threads(2):
        parallel.over_batch(fail, 4, BIG)
    assert blas_threads() == {2}


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_error_waits_for_the_other_slices(failing):
    """Whichever slice fails, the others are done when the error comes: nobody writes into the arrays afterwards."""
    finished = []

    def work(part):
        if part.start == failing:
            raise ArithmeticError(f"slice {part.start}")
        time.sleep(0.05)
        finished.append(part.start)

    with pytest.raises(ArithmeticError, match=f"slice {failing}"), parallel.threads(3):
        parallel.over_batch(work, 3, BIG)
    assert sorted(finished) == sorted({0, 1, 2} - {failing})


def test_number_of_threads_belongs_to_the_block():
    with parallel.threads(3):
        with parallel.threads(2):
            assert len(parallel.over_batch(lambda s: s, 9, BIG)) == 2
        with parallel.threads():
            assert len(parallel.over_batch(lambda s: s, 9, BIG)) == 3


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", ""])
def test_environment_variable_must_be_a_number(value, monkeypatch):
    monkeypatch.setenv("MINICNN_THREADS", value)
    with pytest.raises(ValueError, match="MINICNN_THREADS takes a whole number"):
        parallel.default_threads()


def test_environment_variable_decides(monkeypatch):
    monkeypatch.setenv("MINICNN_THREADS", "5")
    assert len(parallel.over_batch(lambda s: s, 9, BIG)) == 5


@pytest.mark.parametrize(("physical", "allowed", "expected"), [(4, 8, 4), (4, 2, 2), (None, 3, 3)])
def test_a_thread_for_each_physical_core_that_may_be_used(physical, allowed, expected, monkeypatch):
    """Four cores of two threads each; a process held to two of them; a system that does not tell."""
    monkeypatch.delenv("MINICNN_THREADS", raising=False)
    monkeypatch.setattr("psutil.cpu_count", lambda logical: physical)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(allowed)), raising=False)
    parallel._cores.cache_clear()
    try:
        assert parallel.default_threads() == expected
    finally:
        parallel._cores.cache_clear()


def test_dropout_draws_the_same_mask_in_any_number_of_threads():
    """So many numbers that each piece has a generator of its own; no two pieces are alike."""
    x = np.ones((5, dropout.PIECE), np.float32)

    def mask(number):
        with parallel.threads(number):
            return dropout.dropout_forward(x, 0.25, np.random.default_rng(0))[1]

    pieces = mask(1)
    for number in (2, 3):
        np.testing.assert_array_equal(mask(number), pieces)
    kept = pieces > 0
    assert abs(kept.mean() - 0.75) < 5 * np.sqrt(0.75 * 0.25 / kept.size)
    assert all((a != b).any() for a, b in itertools.combinations(kept, 2))


def test_matmul_is_the_matrix_product():
    a, b = (np.random.default_rng(seed).standard_normal(shape) for seed, shape in ((0, (301, 120)), (1, (120, 7))))
    with parallel.threads(3):
        np.testing.assert_allclose(parallel.matmul(a, b), a @ b, rtol=1e-12)


def forward_in_child(queue):
    model = small_network()
    queue.put(model.forward(np.ones((64, 8, 7, 2))).sum())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")  # it is: that is the point
def test_a_forked_child_computes_too(monkeypatch):
    monkeypatch.setattr(parallel, "WORTH_A_THREAD", 0)
    model = small_network()
    with parallel.threads(2):
        expected = model.forward(np.ones((64, 8, 7, 2))).sum()
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        child = context.Process(target=forward_in_child, args=(queue,))
        child.start()
        try:
            result = queue.get(timeout=60)  # a child that waits for its parent's threads would wait for ever
        finally:
            child.kill()
            child.join()
    assert result == pytest.approx(expected, rel=1e-12)


def test_import_brings_neither_numba_nor_matplotlib():
    code = "import minicnn, sys; print([m for m in ('numba', 'matplotlib', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("name", __import__("minicnn").__all__)
def test_every_public_name_loads(name):
    import minicnn

    assert getattr(minicnn, name) is not None
    assert name in dir(minicnn)


def test_unknown_names_say_what_there_is():
    import minicnn

    with pytest.raises(AttributeError, match="Conv2D"):
        minicnn.Conv3D  # noqa: B018


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
def test_a_training_step_gets_its_memory_from_the_step_before():
    code = """
import resource
import numpy as np
from minicnn import SGD, Conv2D, Dense, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, callbacks, fit

faults = []
class Count(callbacks.Callback):
    def on_epoch_end(self, run):
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)

model = Sequential([Conv2D(32, 3), ReLU(), Flatten(), Dense(10)], input_shape=(28, 28, 1), seed=0)
x, labels = np.random.default_rng(0).random((64, 28, 28, 1), dtype=np.float32), np.arange(64) % 10
fit(model, (x, labels), loss=SoftmaxCrossEntropy(), optimizer=SGD(0.01), epochs=20, batch_size=64, threads=1,
    callbacks=[Count()], warn=False)
print(np.median(np.diff(faults)))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert float(run.stdout) < 50  # of 4 KB; an activation alone has 1,352 pages
