"""Batches: from wherever the examples are, the same numbers, a batch at a time, and no thread left behind."""

import os
import signal
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from numpy.testing import assert_array_equal

from minicnn import SGD, BatchNorm, Conv2D, Dense, Dropout, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, batches, fit
from minicnn.batches import AHEAD, WINDOW, draw_order, epoch_batches, prefetched, slices
from minicnn.callbacks import Callback
from minicnn.datasets import ScaledImages

SHAPE = (6, 5, 2)


class OnlySlices:
    """Knows its length and slices, and writes down which were asked for."""

    def __init__(self, x):
        self.x, self.asked = x, []

    def __len__(self):
        return len(self.x)

    def __getitem__(self, part):
        assert isinstance(part, slice)
        self.asked.append((part.start, part.stop))
        return self.x[part].copy()


def network():
    layers = [Conv2D(3, 3), BatchNorm(), ReLU(), Flatten(), Dropout(0.3), Dense(3)]
    return Sequential(layers, input_shape=SHAPE)


def images(n=50):
    rng = np.random.default_rng(1)
    return rng.random((n, *SHAPE), np.float32), rng.integers(0, 3, n)


def trained(x, labels, **options):
    """Parameters, state and history of two epochs, in one list."""
    model = network()
    options = {"epochs": 2, "batch_size": 8, "loss": SoftmaxCrossEntropy(), "optimizer": SGD(0.1)} | options
    history = fit(model, (x, labels), **options)
    return [*model.params.values(), *model.state.values(), history.loss, history.val_loss]


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        assert_array_equal(a, b)


def in_file(tmp_path, x, mode="r"):
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.npy"  # Windows does not write over a file that is mapped
    np.save(path, x)
    return np.load(path, mmap_mode=mode)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("minicnn-batches")]


# ---------------------------------------------------------------------------------------------------------- the order


def test_an_array_is_shuffled_by_index(tmp_path):
    x, _ = images()
    expected = np.random.default_rng(3).permutation(50)
    for source in (x, in_file(tmp_path, x)):
        assert_array_equal(draw_order(source, 8, np.random.default_rng(3)), expected)


@pytest.mark.parametrize("n", [1, 7, 8, 128, 131, 128 * 3 + 5])
def test_slices_are_shuffled_by_blocks_and_within_windows(n):
    order = draw_order(OnlySlices(np.zeros(n)), 8, np.random.default_rng(0))
    assert sorted(order) == list(range(n))
    for start in range(0, n, WINDOW * 8):
        window = order[start : start + WINDOW * 8]
        assert len(set(window // 8)) <= WINDOW  # few blocks in memory
        assert len(window) < 8 or (np.diff(window) != 1).mean() > 0.5  # neighbours apart
    if n > 2 * WINDOW * 8:
        assert np.ptp(order[: WINDOW * 8] // 8) > WINDOW  # blocks from everywhere


def test_every_epoch_has_an_order_of_its_own():
    rng = np.random.default_rng(0)
    first, second = (draw_order(OnlySlices(np.zeros(64)), 8, rng).tolist() for _ in range(2))
    assert first != second


# -------------------------------------------------------------------------------------------------- the same numbers


def test_an_array_in_a_file_trains_bit_for_bit_as_in_memory(tmp_path):
    x, labels = images()
    assert_same(trained(x, labels), trained(in_file(tmp_path, x), labels))


def test_slices_train_bit_for_bit_as_the_array_in_the_same_order():
    x, labels = images(150)
    order = draw_order(OnlySlices(x), 8, np.random.Generator(np.random.SFC64(0)))
    assert len(order) > WINDOW * 8
    sliced, expected = network(), network()
    network_rng = {"loss": SoftmaxCrossEntropy(), "optimizer": SGD(0.1), "batch_size": 8, "epochs": 1}
    expected_order = draw_order(OnlySlices(x), 8, expected.rng)
    fit(expected, (x[expected_order], labels[expected_order]), shuffle=False, **network_rng)
    fit(sliced, (OnlySlices(x), labels), **network_rng)
    assert_same(sliced.params.values(), expected.params.values())


def test_unshuffled_slices_train_as_the_array():
    x, labels = images()
    assert_same(trained(x, labels, shuffle=False), trained(OnlySlices(x), labels, shuffle=False))


def test_an_object_may_say_that_it_takes_indices():
    class Indexed(OnlySlices):
        takes_indices = True

        def __getitem__(self, part):
            return self.x[part]

    x, labels = images()
    assert_same(trained(x, labels), trained(Indexed(x), labels))


def test_predict_evaluate_and_validation_take_the_same_examples(tmp_path):
    x, labels = images()
    model, loss = network(), SoftmaxCrossEntropy()
    for source in (OnlySlices(x), in_file(tmp_path, x), in_file(tmp_path, x)[::-1][::-1]):
        assert_array_equal(model.predict(source, batch_size=16), model.predict(x, batch_size=16))
        assert model.evaluate((source, labels), loss) == model.evaluate((x, labels), loss)
    assert_same(
        trained(x, labels, validation=(x, labels)), trained(x, labels, validation=(in_file(tmp_path, x), labels))
    )


def test_an_epoch_can_begin_at_any_batch():
    x, labels = images()
    order = np.arange(50)[::-1]
    for source in (x, OnlySlices(x)):
        with epoch_batches(source, labels, order, 8, first=4) as of_epoch:
            sizes = [len(images) for images, _ in of_epoch]
        assert sizes == [8, 8, 2]
    with epoch_batches(x, labels, order, 8, first=4) as of_epoch:
        assert_array_equal(next(of_epoch)[0], x[order[32:40]])


# -------------------------------------------------------------------------------------------------- a batch at a time


def test_fit_asks_for_a_batch_at_a_time_and_once_an_epoch():
    x, labels = images(300)
    source = OnlySlices(x)
    trained(source, labels, epochs=1)
    first, *asked = source.asked  # the first looks at one example
    assert first == (None, 1)
    assert sorted(asked) == [(start, min(start + 8, 300)) for start in range(0, 300, 8)]


def test_predict_asks_for_a_batch_at_a_time():
    source = OnlySlices(images(50)[0])
    network().predict(source, batch_size=20)
    assert source.asked == [(None, 1), (0, 20), (20, 40), (40, 50)]


def test_batches_are_made_ahead_but_not_far():
    made, seen = [], []
    with prefetched(lambda k: made.append(k) or k, range(9)) as items:
        for item in items:
            seen.append(item)
            deadline = time.monotonic() + 10
            while len(made) < min(item + 1 + AHEAD, 9) and time.monotonic() < deadline:
                time.sleep(0.001)  # for the thread to come as far as it may
            assert len(made) == min(item + 1 + AHEAD, 9)
    assert made == seen == list(range(9))


def test_memory_does_not_grow_with_the_data():
    """8,000 images, 131 MB: a window of them, and some batches, are in memory at a time."""

    class Made:
        def __len__(self):
            return 8000

        def __getitem__(self, part):
            return np.full((len(range(8000)[part]), 64, 64, 1), 0.5, np.float32)

    model = Sequential([Flatten(), Dense(3)], input_shape=(64, 64, 1))
    options = {"loss": SoftmaxCrossEntropy(), "optimizer": SGD(0.1), "batch_size": 20, "warn": False}
    data = Made(), np.arange(8000) % 3
    tracemalloc.start()
    try:
        fit(model, data, validation=data, **options)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    image = 64 * 64 * 4
    assert (WINDOW + AHEAD) * 20 * image < most < 131e6 / 5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much of a file a process holds")
@pytest.mark.parametrize("show", [lambda x: x, lambda x: x[::-1], ScaledImages], ids=["array", "view", "ScaledImages"])
def test_what_was_read_of_a_file_is_let_go(tmp_path, show):
    shape = (40, 512, 1024, 1)
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, shape).flush()  # 80 MB of zeros
    x = np.load(tmp_path / "x.npy", mmap_mode="r")

    def held():
        return psutil.Process().memory_info().shared

    x.sum()
    everything = held()
    order = np.arange(40)
    with epoch_batches(show(x), order, order, 4) as of_epoch:
        after = [held() for _ in of_epoch]
    assert max(after[AHEAD + 1 :]) < everything - 60e6
    x.sum()
    with slices(show(x), 4) as parts:
        after = [held() for _ in parts]
    assert max(after[AHEAD + 1 :]) < everything - 60e6


def test_what_was_written_in_a_private_copy_stays(tmp_path):
    x = in_file(tmp_path, images()[0], mode="c")
    x[:] = 0.5
    trained(x[2:], images()[1][2:])
    network().predict(x)
    assert (x == 0.5).all()


# ---------------------------------------------------------------------------------------------- errors and the thread


class Broken(OnlySlices):
    """Cannot be read beyond half its length."""

    def __getitem__(self, part):
        if (part.start or 0) >= len(self) // 2:
            raise OSError("the disk is gone")
        return super().__getitem__(part)


def test_an_error_while_reading_is_raised_as_it_is():
    x, labels = images()
    with pytest.raises(OSError, match=r"^the disk is gone$"):
        trained(Broken(x), labels)
    with pytest.raises(OSError, match=r"^the disk is gone$"):
        network().predict(Broken(x), batch_size=4)


def test_an_error_in_the_loop_ends_the_thread():
    class Fail(Callback):
        def on_batch_end(self, run):
            raise RuntimeError("enough")

    x, labels = images()
    with pytest.raises(RuntimeError, match="enough") as caught:
        trained(OnlySlices(x), labels, callbacks=[Fail()])
    assert not [t for t in threading.enumerate() if t.name.startswith("minicnn-batches")]
    assert caught.tb  # while its traceback is still held


def test_what_waits_is_not_made_after_the_end(monkeypatch):
    """The present item is waited for; those behind it are dropped."""
    left, made = threading.Event(), []

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            left.set()
            super().shutdown(wait=wait)

    def make(k):
        if k > 0:
            left.wait()
        made.append(k)

    monkeypatch.setattr(batches, "ThreadPoolExecutor", Pool)
    with prefetched(make, range(9)) as items:
        next(items)
    assert made in ([0], [0, 1])


def test_nothing_more_is_read_after_a_stop():
    class Stop(Callback):
        def on_loss(self, run):
            run.stop = True

    x, labels = images(300)
    source = OnlySlices(x)
    trained(source, labels, shuffle=False, callbacks=[Stop()])
    assert len(source.asked) <= 1 + 1 + AHEAD


def test_ctrl_c_while_a_file_is_read():
    class Press(Callback):
        def on_batch_end(self, run):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    x, labels = images()
    with pytest.raises(KeyboardInterrupt):
        trained(OnlySlices(x), labels, callbacks=[Press()])


class WrongLength(OnlySlices):
    def __getitem__(self, part):
        return super().__getitem__(part)[:5]


class WrongLater(OnlySlices):
    """Whole numbers from the second batch on."""

    def __getitem__(self, part):
        return super().__getitem__(part).astype(np.uint8 if part.start else np.float32)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: OnlySlices(x.astype(np.uint8)), TypeError, "uint8.*ScaledImages"),
        (lambda x: OnlySlices(x[:, 1:]), ValueError, r"\(N, 6, 5, 2\)"),
        (lambda x: iter(x), TypeError, r"^data takes .*len\(x\) and x\[a:b\]; .*no length"),
        (lambda x: dict(enumerate(x)), TypeError, r"x\[:1\] of this dict fails"),
        (lambda x: list(x), TypeError, "got a list"),
    ],
)
def test_examples_that_do_not_fit_change_nothing(make, error, message):
    x, labels = images()
    model = network()
    before, position = [p.copy() for p in model.params.values()], str(model.rng.bit_generator.state)
    with pytest.raises(error, match=message):
        fit(model, (make(x), labels), loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1))
    assert_same(before, model.params.values())
    assert str(model.rng.bit_generator.state) == position


def test_examples_that_turn_out_wrong_later():
    x, labels = images()
    with pytest.raises(ValueError, match=r"The slice \[0:8\] of the examples holds 5, not 8"):
        trained(WrongLength(x), labels, shuffle=False)
    for call in (lambda: trained(WrongLater(x), labels), lambda: network().predict(WrongLater(x), batch_size=8)):
        with pytest.raises(TypeError, match="uint8"):
            call()


def test_labels_may_come_in_slices_too():
    x, labels = images()
    assert_same(trained(x, OnlySlices(labels)), trained(x, labels))
    for others in (tuple(labels), memoryview(labels)):
        assert network().evaluate((x, others), SoftmaxCrossEntropy()) == network().evaluate(
            (x, OnlySlices(labels)), SoftmaxCrossEntropy()
        )


@pytest.mark.parametrize("labels", [3, iter([0, 1]), "cats", None, np.int64(2)])
def test_labels_that_are_none(labels):
    x, _ = images(2)
    with pytest.raises(TypeError, match=r"^data takes labels as an array or a list, got "):
        trained(x, labels)
    with pytest.raises(TypeError, match=r"^evaluate takes labels as an array or a list, got "):
        network().evaluate((x, labels), SoftmaxCrossEntropy())


def test_predict_says_what_it_takes():
    with pytest.raises(TypeError, match=r"^predict takes examples as an array, .*no length"):
        network().predict(iter(images()[0]))


def test_labels_are_checked_once_each():
    """The check before training makes no array as large as all predictions."""
    shapes = []

    class Watching(SoftmaxCrossEntropy):
        def value(self, prediction, labels):
            shapes.append(prediction.shape)
            return super().value(prediction, labels)

    x, labels = images()
    trained(x, labels, loss=Watching())
    assert shapes == [(3, 3)]
    with pytest.raises(ValueError, match="from 0 to 2"):
        trained(x, labels + 1)
