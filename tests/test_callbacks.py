"""Callbacks: the decisions on a made-up history, then each one in a real training."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from minicnn import SGD, Adam, BatchNorm, Dense, MeanSquaredError, ReLU, Sequential, SoftmaxCrossEntropy, fit
from minicnn.callbacks import BestSoFar, Callback, Checkpoint, CSVLog, EarlyStopping, ScheduleLearningRate, StopOnNaN
from minicnn.checkpoint import load
from minicnn.schedules import CosineDecay
from minicnn.training import History


class StubModel:
    """Parameters and state that say which epoch they are from."""

    def __init__(self):
        self.params, self.state = {"w": np.zeros(3)}, {"mean": np.zeros(2)}

    def set_state(self, state):
        self.state = dict(state)


def replay(callback, **columns):
    """Run the epoch hooks over a made-up history; returns the run."""
    run = SimpleNamespace(
        model=StubModel(),
        history=History(),
        epoch=0,
        stop=False,
        stop_reason="",
        loss=SoftmaxCrossEntropy(),
        validation=small_problem(),
    )
    callback.on_train_begin(run)
    for run.epoch, values in enumerate(zip(*columns.values(), strict=True)):
        run.model.params["w"][...] = run.epoch + 1
        run.model.state["mean"] = np.full(2, run.epoch + 1.0)
        row = {"loss": 0.0, "accuracy": None, "val_loss": None, "val_accuracy": None} | dict(
            zip(columns, values, strict=True)
        )
        run.history.append(**row, learning_rate=0.1, seconds=1.0)
        callback.on_epoch_end(run)
        if run.stop:
            break
    callback.on_train_end(run)
    return run


def small_problem(n=40):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64")


def small_model(seed=0):
    return Sequential([Dense(6), BatchNorm(), ReLU(), Dense(2)], input_shape=(4,), seed=seed)


def train(callbacks, model=None, epochs=3, lr=0.1, **options):
    model = model or small_model()
    options = {"loss": SoftmaxCrossEntropy(), "optimizer": SGD(lr), "batch_size": 10, "progress": False} | options
    return model, fit(model, small_problem(), epochs=epochs, callbacks=callbacks, **options)


def test_the_base_has_every_hook_and_does_nothing():
    hooks = ("train_begin", "epoch_begin", "batch_begin", "loss", "batch_end", "epoch_end", "train_end")
    for hook in hooks:
        assert getattr(Callback(), f"on_{hook}")(None) is None


def test_hooks_come_in_order():
    class Recorder(Callback):
        def __init__(self):
            self.seen = []

        def __getattribute__(self, name):
            if name.startswith("on_"):
                self.seen.append(name)
            return super().__getattribute__(name)

    recorder = Recorder()
    train([recorder], epochs=1, batch_size=20)
    batch = ["on_batch_begin", "on_loss", "on_batch_end"]
    assert recorder.seen == ["on_train_begin", "on_epoch_begin", *batch, *batch, "on_epoch_end", "on_train_end"]


# --- EarlyStopping ---


def test_early_stopping_waits_then_restores_parameters_and_state():
    run = replay(EarlyStopping(patience=2), val_loss=[3.0, 2.0, 2.5, 2.0, 1.0])
    assert run.stop and run.epoch == 3  # an equal value is no improvement
    assert np.all(run.model.params["w"] == 2) and np.all(run.model.state["mean"] == 2)
    assert run.stop_reason == "val_loss has not become better (2 in epoch 2) for 2 epochs"


def test_patience_counts_epochs_in_a_row():
    run = replay(EarlyStopping(patience=2), val_loss=[3.0, 3.5, 2.0, 2.5, 1.0, 1.5])
    assert not run.stop and np.all(run.model.params["w"] == 5)


@pytest.mark.parametrize("monitor", ["accuracy", "val_accuracy"])
def test_an_accuracy_is_better_when_larger(monitor):
    run = replay(EarlyStopping(monitor, patience=1), **{monitor: [0.1, 0.6, 0.5, 0.9]})
    assert run.epoch == 2 and np.all(run.model.params["w"] == 2)


def test_min_delta_asks_for_more_than_a_little():
    run = replay(EarlyStopping("loss", patience=2, min_delta=0.1), loss=[1.0, 0.95, 0.91, 0.5])
    assert run.epoch == 2 and np.all(run.model.params["w"] == 1)
    run = replay(EarlyStopping("accuracy", patience=2, min_delta=0.1), accuracy=[0.5, 0.55, 0.7, 0.71])
    assert not run.stop and np.all(run.model.params["w"] == 3)


def test_without_restore_the_last_parameters_stay():
    run = replay(EarlyStopping(patience=1, restore_best=False), val_loss=[1.0, 2.0])
    assert run.stop and np.all(run.model.params["w"] == 2)


def test_nan_is_never_an_improvement():
    nan = float("nan")
    run = replay(EarlyStopping(patience=2), val_loss=[2.0, nan, nan])
    assert run.stop and np.all(run.model.params["w"] == 1)
    run = replay(EarlyStopping(patience=2), val_loss=[nan, nan, nan])
    assert run.epoch == 1 and np.all(run.model.params["w"] == 2)  # nothing to restore


def test_early_stopping_can_be_used_again():
    callback = EarlyStopping(patience=1)
    replay(callback, val_loss=[0.1, 0.2])
    run = replay(callback, val_loss=[5.0, 4.0, 3.0])
    assert not run.stop and np.all(run.model.params["w"] == 3)


def test_early_stopping_restores_the_best_epoch_of_a_training():
    held_out = small_problem(15)
    model, history = train([EarlyStopping(patience=2)], epochs=30, lr=2.0, validation=held_out)
    best = int(np.argmin(history.val_loss))
    assert history.epochs == best + 3 or history.epochs == 30
    assert model.evaluate(held_out, SoftmaxCrossEntropy())["loss"] == history.val_loss[best]


# --- what can be monitored ---


def test_validation_must_be_there_to_be_monitored():
    model = small_model()
    before = model.params["dense_1.w"].copy()
    for callback in (EarlyStopping(), Checkpoint("never.npz", monitor="val_accuracy")):
        with pytest.raises(ValueError, match=r"monitors val_.*validation=\(x, labels\)"):
            train([callback], model=model)
    assert np.array_equal(model.params["dense_1.w"], before)  # refused before the first step


def test_accuracy_must_be_there_to_be_monitored():
    model = Sequential([Dense(1)], input_shape=(4,))
    x, y = small_problem()
    with pytest.raises(ValueError, match="Checkpoint monitors accuracy"):
        fit(
            model,
            (x, y[:, None].astype("float32")),
            loss=MeanSquaredError(),
            optimizer=SGD(0.1),
            callbacks=[Checkpoint("never.npz", monitor="accuracy")],
            progress=False,
        )


@pytest.mark.parametrize("make", [lambda: EarlyStopping("val-loss"), lambda: Checkpoint("a.npz", monitor="f1")])
def test_an_unknown_monitor_gets_the_list(make):
    with pytest.raises(ValueError, match="can monitor loss, accuracy, val_loss, val_accuracy, got"):
        make()


def test_an_epoch_cut_short_before_its_first_step_is_no_error():
    run = SimpleNamespace(history=History(accuracy=[None]), stop=True)
    assert not BestSoFar("EarlyStopping", "accuracy").improved(run)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": 0}, ValueError, "1 <= patience"),
        ({"patience": 2.5}, TypeError, "patience"),
        ({"min_delta": -1}, ValueError, "0 <= min_delta"),
    ],
)
def test_early_stopping_checks_its_arguments(options, error, message):
    with pytest.raises(error, match=message):
        EarlyStopping(**options)


# --- Checkpoint ---


def test_checkpoint_saves_every_epoch_under_its_number(tmp_path):
    model, _ = train([Checkpoint(tmp_path / "runs" / "epoch-{epoch:02d}.npz")], epochs=2)
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["epoch-01.npz", "epoch-02.npz"]
    last = load(tmp_path / "runs" / "epoch-02.npz")
    for name, param in model.params.items():
        np.testing.assert_array_equal(last.params[name], param)


def test_checkpoint_keeps_the_best_only(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr("minicnn.checkpoint.save", lambda model, path: saved.append((path, model.params["w"][0])))
    replay(Checkpoint("best-{epoch}.npz", monitor="val_loss"), val_loss=[3.0, 4.0, 2.0, 2.0])
    assert saved == [("best-1.npz", 1), ("best-3.npz", 3)]


@pytest.mark.parametrize("path", ["{step}.npz", "{}.npz", "{epoch"])
def test_checkpoint_knows_only_the_epoch(path):
    with pytest.raises(ValueError, match=r'knows only "{epoch}"'):
        Checkpoint(path)


# --- ScheduleLearningRate ---


def test_the_schedule_sees_the_epochs_done_before_each_batch():
    seen = []

    def schedule(epoch):
        seen.append(epoch)
        return 0.1 / (1 + epoch)

    _, history = train([ScheduleLearningRate(schedule)], epochs=2)
    assert seen.pop(0) == 0  # before anything has changed: does it give a learning rate?
    assert seen == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75])
    assert history.learning_rate == pytest.approx([0.1 / 1.75, 0.1 / 2.75])


def test_a_schedule_goes_down_to_its_end():
    optimizer = Adam()
    train([ScheduleLearningRate(CosineDecay(0.1, epochs=3))], optimizer=optimizer)
    assert optimizer.learning_rate == pytest.approx(CosineDecay(0.1, epochs=3)(2.75))


def test_a_schedule_must_be_callable():
    with pytest.raises(TypeError, match="function of the epochs done"):
        ScheduleLearningRate(0.1)


# --- CSVLog ---


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_for_each_epoch_while_training_runs(tmp_path):
    path = tmp_path / "logs" / "run.csv"
    rows_seen = []

    class Look(Callback):
        def on_epoch_end(self, run):
            rows_seen.append(len(read_rows(path)))

    _, history = train([CSVLog(path), Look()])
    rows = read_rows(path)
    assert rows_seen == [1, 2, 3]
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [float(row["loss"]) for row in rows] == history.loss
    assert [float(row["accuracy"]) for row in rows] == history.accuracy
    assert {row["val_loss"] for row in rows} == {""}
    assert [p.name for p in path.parent.iterdir()] == ["run.csv"]  # nothing left beside


def test_csv_keeps_the_rows_before_an_error(tmp_path):
    class Fail(Callback):
        def on_epoch_begin(self, run):
            if run.epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train([CSVLog(tmp_path / "run.csv"), Fail()])
    assert len(read_rows(tmp_path / "run.csv")) == 2


# --- StopOnNaN ---


def test_stop_on_nan_names_the_layer_and_spares_the_parameters():
    model = small_model()

    class Spoil(Callback):
        def on_batch_end(self, run):
            if run.epoch == 1:
                model.params["dense_2.b"][0] = np.inf
                self.position = model.rng.bit_generator.state
                self.kept = {name: array.copy() for name, array in (model.params | model.state).items()}

    spoil = Spoil()
    with np.errstate(all="ignore"):
        _, history = train([spoil, StopOnNaN()], model, epochs=5)
    assert history.epochs == 2
    assert history.stop_reason.startswith(
        "inf in the parameter b of dense_2 (1 of 2 numbers, the first at [0]); forward pass, epoch 2, step 2. Likely"
    )
    assert "the learning rate 0.1 is too large" in history.stop_reason
    for name, param in model.params.items():
        np.testing.assert_array_equal(param, spoil.kept[name])
    assert str(model.rng.bit_generator.state) == str(spoil.position)


def test_stop_on_nan_says_when_no_layer_is_to_blame():
    class Infinite(SoftmaxCrossEntropy):
        def forward(self, prediction, labels):
            return super().forward(prediction, labels) if prediction.shape[0] > 3 else float("inf")

    _, history = train([StopOnNaN()], loss=Infinite(), batch_size=37)
    assert history.stop_reason.startswith(
        "the loss Infinite() is inf; forward pass, epoch 1, step 2. Likely cause: the"
    )
    assert "arose within Infinite()" in history.stop_reason


def test_stop_on_nan_lets_a_finite_loss_pass():
    _, history = train([StopOnNaN()])
    assert history.epochs == 3 and history.stop_reason == ""


def test_a_reason_given_before_stays():
    class StopNow(Callback):
        def on_epoch_end(self, run):
            run.stop, run.stop_reason = run.epoch == 1, "enough"

    _, history = train([StopNow(), EarlyStopping("loss", patience=1, min_delta=100)])
    assert history.stop_reason == "enough"


def test_repr_shows_what_is_not_default():
    assert repr(EarlyStopping("loss", patience=3)) == "EarlyStopping(monitor='loss', patience=3)"
    assert repr(StopOnNaN()) == "StopOnNaN()"
