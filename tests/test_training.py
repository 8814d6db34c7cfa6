"""fit: the loop against one written out, reproducibility, and everything around it."""

import os
import signal
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import (
    SGD,
    Adam,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    MeanSquaredError,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    datasets,
    fit,
)
from minicnn.callbacks import Callback, EarlyStopping, StopOnNaN
from minicnn.catalogue import small_network
from minicnn.layers import NotReadyError


def digits_network(seed=0):
    return Sequential(
        [Flatten(), Dense(32), BatchNorm(), ReLU(), Dropout(0.2), Dense(10)], input_shape=(8, 8, 1), seed=seed
    )


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def random_data(n=22, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 8, 7, 2)), rng.integers(0, 3, n)


class Recorder(Callback):
    """Writes down every event, and for each batch its size and the epochs done."""

    def __init__(self):
        self.events, self.sizes, self.done, self.labels = [], [], [], []

    def on_batch_begin(self, run):
        self.sizes.append(len(run.batch[0]))
        self.done.append(run.epochs_done)
        self.labels.append(run.batch[1])

    def on_epoch_end(self, run):
        self.events.append(("epoch", run.epoch, run.history.epochs))

    def on_train_begin(self, run):
        self.events.append("begin")

    def on_train_end(self, run):
        self.events.append("end")


def test_fit_is_the_loop_written_out():
    """Forward, loss, backward, step over the batches in order: same parameters, bit for bit."""
    x, labels = random_data()
    model, by_hand = small_network(), small_network()
    history = fit(
        model,
        (x, labels),
        loss=SoftmaxCrossEntropy(),
        optimizer=SGD(0.1, momentum=0.9),
        epochs=2,
        batch_size=8,
        shuffle=False,
    )
    loss, optimizer, losses = SoftmaxCrossEntropy(), SGD(0.1, momentum=0.9), []
    for _ in range(2):
        total = 0
        for start in (0, 8, 16):
            part = slice(start, start + 8)
            total += loss.forward(by_hand.forward(x[part], training=True), labels[part]) * len(x[part])
            by_hand.backward(loss.backward())
            optimizer.step(by_hand.params, by_hand.grads)
        losses.append(total / len(x))
    for name, param in model.params.items():
        assert_array_equal(param, by_hand.params[name])
    assert history.loss == pytest.approx(losses, rel=1e-14)


def test_same_seed_is_bit_identical(digits):
    models = [digits_network(seed) for seed in (1, 1, 2)]
    histories = [
        fit(m, digits.train, loss=SoftmaxCrossEntropy(), optimizer=Adam(), epochs=2, validation=digits.test)
        for m in models
    ]
    for name, param in models[0].params.items():
        assert_array_equal(param, models[1].params[name])
    assert histories[0].val_loss == histories[1].val_loss != histories[2].val_loss


def test_training_learns_digits(digits):
    model = digits_network()
    history = fit(
        model, digits.train, loss=SoftmaxCrossEntropy(), optimizer=Adam(0.005), epochs=8, validation=digits.test
    )
    assert history.epochs == 8
    assert history.val_accuracy[-1] > 0.93
    assert history.loss[-1] < history.loss[0] / 3
    assert history.val_accuracy[-1] == model.evaluate(digits.test, SoftmaxCrossEntropy())["accuracy"]
    assert all(len(column) == 8 for column in history.to_dict().values() if isinstance(column, list))


def test_every_epoch_shuffles_and_keeps_the_last_partial_batch():
    x, _ = random_data()
    recorder = Recorder()
    fit(
        small_network(),
        (x, np.arange(22) % 3),
        loss=SoftmaxCrossEntropy(),
        optimizer=SGD(0.01),
        epochs=2,
        batch_size=8,
        callbacks=[recorder],
    )
    assert recorder.sizes == [8, 8, 6] * 2
    assert recorder.done == [0, 8 / 22, 16 / 22, 1, 1 + 8 / 22, 1 + 16 / 22]
    first, second = np.concatenate(recorder.labels[:3]), np.concatenate(recorder.labels[3:])
    assert sorted(first) == sorted(second) == sorted(np.arange(22) % 3)
    assert first.tolist() != second.tolist() != (np.arange(22) % 3).tolist()
    assert recorder.events == ["begin", ("epoch", 0, 1), ("epoch", 1, 2), "end"]


def test_arrays_a_user_holds_never_change():
    """Activations, gradients and predictions of the first step are the same after ten more."""
    x, labels = random_data()
    held = []

    class Hold(Callback):
        def on_batch_end(self, run):
            if not held:
                model = run.model
                outputs = [model.forward(run.batch[0]), model.predict(run.batch[0])]
                held.extend([*outputs, *model.grads.values(), *model.state.values(), *run.batch])
                self.kept = [array.copy() for array in held]

    hold = Hold()
    fit(small_network(), (x, labels), loss=SoftmaxCrossEntropy(), optimizer=Adam(), epochs=5, callbacks=[hold])
    for array, kept in zip(held, hold.kept, strict=True):
        assert_array_equal(array, kept)


def test_a_model_may_be_called_inside_a_callback():
    """Also between the loss and the backward pass, which still belongs to the training batch."""

    class Look(Callback):
        def on_batch_begin(self, run):
            run.model.predict(run.batch[0][:2])

        on_loss = on_batch_end = on_batch_begin

    def parameters(callbacks):
        model = small_network()
        fit(model, random_data(), loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1), epochs=2, callbacks=callbacks)
        return model.params

    watched, expected = parameters([Look()]), parameters([])
    for name, array in watched.items():
        assert_array_equal(array, expected[name])


def test_a_step_lets_go_of_the_forward_pass():
    """What the layers remembered is memory that the next step can use."""
    model = small_network()
    fit(model, random_data(), loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1), epochs=1)
    with pytest.raises(NotReadyError, match="forward"):
        model.backward(np.ones((3, 3)))


def test_a_loss_without_classes_has_no_accuracy():
    x = np.random.default_rng(0).standard_normal((20, 3))
    model = Sequential([Dense(1)], input_shape=(3,), dtype="float64")
    history = fit(
        model,
        (x, x @ [1.0, 2.0, 3.0]),
        loss=MeanSquaredError(),
        optimizer=SGD(0.1),
        epochs=60,
        batch_size=5,
        validation=(x, x @ [1.0, 2.0, 3.0]),
    )
    assert history.accuracy == history.val_accuracy == [None] * 60
    np.testing.assert_allclose(model.params["dense_1.w"][:, 0], [1, 2, 3], atol=1e-3)


def test_ctrl_c_ends_the_epoch_and_keeps_the_history(digits):
    class PressCtrlC(Callback):
        def on_batch_end(self, run):
            if run.epochs_done > 1.3 and not run.stop:
                os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    model, recorder = digits_network(), Recorder()
    history = fit(
        model,
        digits.train,
        loss=SoftmaxCrossEntropy(),
        optimizer=Adam(),
        epochs=9,
        validation=digits.test,
        callbacks=[PressCtrlC(), recorder],
    )
    assert history.epochs == 2
    assert history.stop_reason == "Ctrl-C"
    assert 0 < len(recorder.sizes) % 41 < 41  # the second epoch was cut short
    assert recorder.events[-1] == "end"
    assert signal.getsignal(signal.SIGINT) == before


def test_a_second_ctrl_c_interrupts_at_once(digits):
    class PressTwice(Callback):
        def on_batch_end(self, run):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(
            digits_network(),
            digits.train,
            loss=SoftmaxCrossEntropy(),
            optimizer=Adam(),
            callbacks=[PressTwice()],
        )


def test_stop_on_nan_keeps_the_last_finite_parameters(digits):
    model = Sequential([Flatten(), Dense(64), ReLU(), Dense(64), ReLU(), Dense(10)], input_shape=(8, 8, 1))
    with np.errstate(all="ignore"):
        history = fit(
            model,
            digits.train,
            loss=SoftmaxCrossEntropy(),
            optimizer=SGD(1e15),
            epochs=5,
            callbacks=[StopOnNaN()],
        )
    assert "in the output of dense_" in history.stop_reason
    assert "the learning rate 1e+15 is too large" in history.stop_reason
    assert all(np.isfinite(param).all() for param in model.params.values())


def test_early_stopping_restores_the_best(digits):
    model = digits_network()
    history = fit(
        model,
        digits.train,
        loss=SoftmaxCrossEntropy(),
        optimizer=Adam(0.05),
        epochs=60,
        validation=digits.test,
        callbacks=[EarlyStopping(patience=2)],
    )
    assert history.epochs < 60
    result = model.evaluate(digits.test, SoftmaxCrossEntropy())
    assert result["loss"] == pytest.approx(min(history.val_loss), rel=1e-6)


def test_runs_side_by_side_may_share_a_loss():
    """One run stands between its forward and its backward pass while another trains with the same loss object."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(2, 16, 4)), rng.integers(3, size=(2, 16))

    def trained(k, loss, callbacks=()):
        model = Sequential([Dense(3)], input_shape=(4,), seed=k, dtype=np.float64)
        fit(model, (x[k], labels[k]), loss=loss, optimizer=SGD(0.5), batch_size=16, callbacks=callbacks, warn=False)
        return model.params["dense_1.w"]

    class Between(Callback):
        def on_loss(self, run):
            trained(1, shared)

    shared = SoftmaxCrossEntropy()
    assert_array_equal(trained(0, shared, [Between()]), trained(0, SoftmaxCrossEntropy()))


def test_progress_is_quiet_unless_asked(digits, capsys):
    options = {"loss": SoftmaxCrossEntropy(), "optimizer": Adam(), "batch_size": 512}
    fit(digits_network(), digits.train, **options)
    assert capsys.readouterr() == ("", "")
    fit(digits_network(), digits.train, progress=True, **options)
    shown = capsys.readouterr().err
    assert "epoch 1/1" in shown
    assert "accuracy=" in shown
    assert "loss=" in shown


def test_two_models_train_in_two_threads(digits):
    def train(seed, results):
        model = digits_network(seed)
        fit(model, digits.train, loss=SoftmaxCrossEntropy(), optimizer=Adam(), epochs=2, threads=2)
        results[seed] = model.params["dense_1.w"]

    alone, together = {}, {}
    for seed in (0, 1):
        train(seed, alone)
    workers = [threading.Thread(target=train, args=(seed, together)) for seed in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for seed in (0, 1):
        assert_array_equal(together[seed], alone[seed])


GOOD = {"loss": SoftmaxCrossEntropy(), "optimizer": SGD(0.1)}


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        (np.zeros((4, 8, 7, 2)), {}, TypeError, "takes a pair"),
        (None, {}, TypeError, "takes a pair"),
        ((np.zeros((4, 8, 7, 2)), [0, 1, 2]), {}, ValueError, "as many labels as examples, .* got 4 and 3"),
        ((np.zeros((0, 8, 7, 2)), []), {}, ValueError, "at least one, got 0 and 0"),
        ((np.zeros((4, 8, 7, 3)), [0, 1, 2, 0]), {}, ValueError, r"\(N, 8, 7, 2\)"),
        ((np.zeros((4, 8, 7, 2), np.uint8), [0, 1, 2, 0]), {}, TypeError, "uint8"),
        ((np.zeros((4, 8, 7, 2)), [0, 1, 2, 3]), {}, ValueError, "from 0 to 2"),
        ((np.zeros((4, 8, 7, 2)), [0, 1, 2, 0]), {"epochs": 0}, ValueError, "epochs"),
        ((np.zeros((4, 8, 7, 2)), [0, 1, 2, 0]), {"epochs": 1.5}, TypeError, "epochs"),
        ((np.zeros((4, 8, 7, 2)), [0, 1, 2, 0]), {"batch_size": 0}, ValueError, "batch_size"),
        ((np.zeros((4, 8, 7, 2)), [0, 1, 2, 0]), {"batch_size": 3}, ValueError, "the last batch holds 1"),
        ((np.zeros((4, 8, 7, 2)), [0, 1, 2, 0]), {"threads": 0}, ValueError, "threads"),
        (
            (np.zeros((4, 8, 7, 2)), [0, 1, 2, 0]),
            {"validation": (np.zeros((2, 8, 7, 2)), [0, 9])},
            ValueError,
            "from 0 to 2",
        ),
        (
            (np.zeros((4, 8, 7, 2)), [0, 1, 2, 0]),
            {"callbacks": EarlyStopping()},
            TypeError,
            r"callbacks=\[EarlyStopping\(\)\]",
        ),
        ((np.zeros((4, 8, 7, 2)), [0, 1, 2, 0]), {"loss": "cross-entropy"}, TypeError, "SoftmaxCrossEntropy"),
        ((np.zeros((4, 8, 7, 2)), [0, 1, 2, 0]), {"loss": SoftmaxCrossEntropy}, TypeError, r"SoftmaxCrossEntropy\(\)"),
        ((np.zeros((4, 8, 7, 2)), [0, 1, 2, 0]), {"optimizer": "sgd"}, TypeError, r"SGD\(0\.01\)"),
    ],
)
def test_calls_that_do_not_fit_change_nothing(data, options, error, message):
    model = small_network()
    before, position = {k: v.copy() for k, v in model.params.items()}, model.rng.bit_generator.state
    with pytest.raises(error, match=message):
        fit(model, data, **GOOD | options)
    for name, param in model.params.items():
        assert_array_equal(param, before[name])
    assert str(model.rng.bit_generator.state) == str(position)
