"""A run that was cut off and resumed ends bit-identical to one that was not; a file of another run is refused."""

import json
import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from test_checkpoint import rewrite

import minicnn
from minicnn import augment, callbacks, datasets, optimizers, schedules
from minicnn.checkpoint.rng import rng_array
from minicnn.resume import RunFile
from minicnn.settings import fingerprint

EPOCHS, BATCH_SIZE, STEPS = 4, 16, 6  # 90 examples: five batches of 16 and one of 10
OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "RMSProp": optimizers.RMSProp,
    "Adam": lambda: optimizers.Adam(0.01),
    "AdamW": lambda: optimizers.AdamW(0.01),
}


@pytest.fixture(scope="module")
def data():
    return datasets.load("digits").subset(90, 40)


def network(seed=1):
    """With everything that has a state: batch norm, dropout of many and of few units."""
    layers = [
        *(minicnn.Conv2D(4, 3, padding="same"), minicnn.BatchNorm(), minicnn.ReLU(), minicnn.MaxPool2D(2)),
        *(minicnn.SpatialDropout2D(0.1), minicnn.Flatten(), minicnn.Dense(12), minicnn.Dropout(0.2), minicnn.Dense(10)),
    ]
    return minicnn.Sequential(layers, input_shape=(8, 8, 1), seed=seed)


class Cut(BaseException):
    """As a kill: nothing of minicnn catches it."""


class CutOff(callbacks.Callback):
    """Ends the program at one event of one step."""

    def __init__(self, event=None, epoch=0, step=0):
        self.event, self.place = event, (epoch, step)

    @property
    def config(self):
        return {}  # so that runs with another cut, or none, are of one kind

    def look(self, event, run):
        if event == self.event and self.place == (run.epoch, run.step):
            raise Cut

    def on_batch_begin(self, run):
        self.look("batch_begin", run)

    def on_loss(self, run):
        self.look("loss", run)

    def on_batch_end(self, run):
        self.look("batch_end", run)

    def on_epoch_end(self, run):
        self.look("epoch_end", run)


def train(data, resume=None, make=OPTIMIZERS["momentum"], cut=None, epochs=EPOCHS, model=None, **options):
    """Train with everything that has a state: model, optimizer, history."""
    model, optimizer = model or network(), make()
    history = minicnn.fit(
        model,
        data.train,
        **{
            "loss": minicnn.SoftmaxCrossEntropy(),
            "optimizer": optimizer,
            "epochs": epochs,
            "batch_size": BATCH_SIZE,
            "validation": data.test,
            "augment": augment.Pipeline([augment.Shift(1)], seed=3),
            "callbacks": [
                callbacks.ScheduleLearningRate(schedules.CosineDecay(0.05, epochs=EPOCHS)),
                callbacks.EarlyStopping(patience=2),
                cut or CutOff(),
            ],
            "resume": resume,
        }
        | options,
    )
    return model, optimizer, history


def assert_same(one, other):
    """Two runs are the same to the last bit, but for the clock."""
    (model, optimizer, history), (other_model, other_optimizer, other_history) = one, other
    for mine, its in ((model.params, other_model.params), (model.state, other_model.state)):
        assert list(mine) == list(its)
        for name in mine:
            assert_array_equal(mine[name], its[name])
    assert_array_equal(*(rng_array(m.rng.bit_generator.state) for m in (model, other_model)))
    assert (optimizer.iterations, optimizer.learning_rate) == (
        other_optimizer.iterations,
        other_optimizer.learning_rate,
    )
    assert optimizer.state.keys() == other_optimizer.state.keys()
    for name, slots in optimizer.state.items():
        for slot, array in slots.items():
            assert_array_equal(array, other_optimizer.state[name][slot])
    assert history.to_dict() | {"seconds": 0} == other_history.to_dict() | {"seconds": 0}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("every_steps", [None, 1, 4])
def test_a_run_that_was_cut_off_ends_as_one_that_was_not(tmp_path, data, make, every_steps):
    """Cut off three times: in the midst of a step, between two steps and between two epochs."""
    assert {type(make()) for make in OPTIMIZERS.values()} == set(optimizers.OPTIMIZERS.values())
    whole = train(data, make=make)
    file = RunFile(tmp_path / "run.npz", every_steps=every_steps)
    for cut in (CutOff("loss", 0, 4), CutOff("epoch_end", 1, STEPS - 1), CutOff("batch_begin", 2, 5)):
        with pytest.raises(Cut):
            train(data, file, make, cut)
    assert_same(train(data, file, make), whole)


EVENTS = [(event, step) for event in ("batch_begin", "loss", "batch_end") for step in range(STEPS)]


@pytest.mark.parametrize(("event", "step"), [*EVENTS, ("epoch_end", STEPS - 1)])
def test_every_step_can_be_the_last_before_the_cut(tmp_path, data, event, step):
    file = RunFile(tmp_path / "run.npz", every_steps=1)
    with pytest.raises(Cut):
        train(data, file, cut=CutOff(event, 1, step), epochs=2)
    steps_kept = STEPS + step + (event == "epoch_end")  # the cut comes before the step's own end is kept
    assert minicnn.load_run(file.path).optimizer.iterations == steps_kept
    assert_same(train(data, file, epochs=2), train(data, epochs=2))


def test_a_file_changes_nothing(tmp_path, data):
    assert_same(train(data, tmp_path / "run.npz"), train(data))
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_the_time_that_may_be_lost(tmp_path, data):
    """every_seconds=0 keeps each step, an hour none but the first and those between epochs."""
    for every_seconds, kept in ((0, STEPS + 3), (3600, STEPS)):
        file = RunFile(tmp_path / f"{every_seconds}.npz", every_seconds=every_seconds)
        with pytest.raises(Cut):
            train(data, file, cut=CutOff("batch_begin", 1, 3))
        assert minicnn.load_run(file.path).optimizer.iterations == kept


class PressCtrlC(CutOff):
    def look(self, event, run):
        if event == self.event and self.place == (run.epoch, run.step):
            os.kill(os.getpid(), signal.SIGINT)


PressCtrlC.__name__ = "CutOff"  # it is the same run
MOMENTS = [("batch_begin", 0), ("batch_begin", 2), ("loss", 2), ("batch_end", 2), ("batch_end", 5), ("epoch_end", 5)]


@pytest.mark.parametrize(("event", "step"), MOMENTS)
def test_a_run_stopped_by_ctrl_c_goes_on(tmp_path, data, event, step):
    path = tmp_path / "run.npz"
    _, _, history = train(data, path, cut=PressCtrlC(event, 1, step))
    assert history.stop_reason == "Ctrl-C" and history.epochs == 2
    assert_same(train(data, path), train(data))


def test_ctrl_c_just_after_the_file_was_looked_after(tmp_path, data):
    """The file is written once more, for the step that is the last."""

    class Late(RunFile):
        def on_batch_end(self, run):
            super().on_batch_end(run)
            if (run.epoch, run.step) == (1, 2):
                os.kill(os.getpid(), signal.SIGINT)

    file = Late(tmp_path / "run.npz")
    _, _, history = train(data, file)
    assert history.stop_reason == "Ctrl-C" and history.epochs == 2
    assert minicnn.load_run(file.path).optimizer.iterations == STEPS + 3
    assert_same(train(data, file.path), train(data))


def test_a_finished_run_is_not_trained_again(tmp_path, data):
    whole = train(data, tmp_path / "run.npz")
    again = train(data, tmp_path / "run.npz", cut=CutOff("batch_begin"))
    assert_same(again, whole)
    assert again[2].seconds == whole[2].seconds
    assert_same((minicnn.load(tmp_path / "run.npz"), *whole[1:]), whole)


def test_a_run_that_was_stopped_stays_stopped(tmp_path, data):
    stopping = {"callbacks": [callbacks.EarlyStopping("loss", patience=1, min_delta=9)]}
    whole = train(data, tmp_path / "run.npz", **stopping)
    assert whole[2].epochs == 2 and "loss has not become better" in whole[2].stop_reason
    assert_same(train(data, tmp_path / "run.npz", **stopping), whole)


def test_more_epochs(tmp_path, data):
    """A finished run goes on as if more had been asked for at once."""
    plain = {"callbacks": []}
    train(data, tmp_path / "run.npz", epochs=2, **plain)
    assert_same(train(data, tmp_path / "run.npz", epochs=3, **plain), train(data, epochs=3, **plain))


def test_the_same_objects_once_more(tmp_path, data):
    """In a notebook: Ctrl-C, and the cell is run again with the model and the optimizer of before."""
    whole = train(data)
    optimizer = OPTIMIZERS["momentum"]()
    with pytest.raises(Cut):
        train(data, tmp_path / "run.npz", lambda: optimizer, CutOff("batch_begin", 2, 1))
    assert optimizer.learning_rate != 0.05
    assert_same(train(data, tmp_path / "run.npz", lambda: optimizer), whole)


def test_half_a_number_left_over_in_the_generator(tmp_path, data):
    """Dropout on an odd number of units leaves half a draw for the next step."""

    class DrawOne(CutOff):
        def on_batch_begin(self, run):
            run.model.rng.random(dtype=np.float32)
            super().on_batch_begin(run)

    file = RunFile(tmp_path / "run.npz", every_steps=1)
    whole = train(data, cut=DrawOne())
    for step in (1, 2):
        with pytest.raises(Cut):
            train(data, file, cut=DrawOne("batch_begin", 1, step))
    assert_same(train(data, file, cut=DrawOne()), whole)


def test_without_shuffling_validation_and_accuracy(tmp_path):
    """A regression in float64, from a source that knows only slices."""

    class Source:
        def __init__(self, x):
            self.x = x

        def __len__(self):
            return len(self.x)

        def __getitem__(self, part):
            assert isinstance(part, slice)
            return self.x[part]

    x = np.random.default_rng(0).standard_normal((20, 3))

    def regression(shuffle, source, **options):
        model, optimizer = minicnn.Sequential([minicnn.Dense(1)], (3,), dtype="float64"), optimizers.Adam(0.1)
        data = source(x), x @ [1.0, 2, 3]
        loss = minicnn.MeanSquaredError()
        history = minicnn.fit(
            model, data, loss=loss, optimizer=optimizer, epochs=3, batch_size=3, shuffle=shuffle, **options
        )
        return model, optimizer, history

    for number, options in enumerate([(False, np.array), (True, Source), (False, Source)]):
        file = RunFile(tmp_path / f"{number}.npz", every_steps=2)
        with pytest.raises(Cut):
            regression(*options, resume=file, callbacks=[CutOff("batch_end", 1, 3)])
        assert_same(regression(*options, resume=file, callbacks=[CutOff()]), regression(*options, callbacks=[CutOff()]))


def test_checkpoint_remembers_its_best(tmp_path, data):
    """After the cut, a worse epoch is not saved as the best."""

    class Replay(CutOff):
        """Its epochs have a loss that goes up and down."""

        def on_epoch_end(self, run):
            run.history.loss[-1] = [3.0, 1.0, 2.0, 0.5][run.epoch]

    best = callbacks.Checkpoint(str(tmp_path / "best-{epoch}.npz"), monitor="loss")
    with pytest.raises(Cut):
        train(data, tmp_path / "run.npz", callbacks=[Replay("batch_begin", 2, 1), best])
    train(data, tmp_path / "run.npz", callbacks=[Replay(), best])
    assert sorted(path.name for path in tmp_path.glob("best*")) == ["best-1.npz", "best-2.npz", "best-4.npz"]


def test_a_loss_of_ones_own_may_give_numbers_of_numpy(tmp_path, data):
    class Own(minicnn.SoftmaxCrossEntropy):
        def forward(self, logits, labels):
            return np.float32(super().forward(logits, labels))

        def value(self, logits, labels):
            return np.float32(super().value(logits, labels))

        def correct(self, logits, labels):
            return np.int64(super().correct(logits, labels))

    file = RunFile(tmp_path / "run.npz", every_steps=1)
    with pytest.raises(Cut):
        train(data, file, cut=CutOff("batch_begin", 2, 3), loss=Own())
    assert_same(train(data, file, loss=Own()), train(data, loss=Own()))


# --- files that cannot be gone on with ---


def refused(data, path, message, error=ValueError, **changes):
    """The call changes nothing of model, generator and optimizer."""
    model, optimizer = network(), changes.pop("optimizer", OPTIMIZERS["momentum"]())
    before = {name: array.copy() for name, array in model.params.items()}, str(model.rng.bit_generator.state)
    with pytest.raises(error, match=message):
        train(data, path, lambda: optimizer, model=model, **changes)
    for name, array in model.params.items():
        assert_array_equal(array, before[0][name])
    assert str(model.rng.bit_generator.state) == before[1]
    assert optimizer.iterations == 0 and optimizer.state == {}


@pytest.fixture
def kept(tmp_path, data):
    """The file of a run that was cut off in the midst of its third epoch."""
    file = RunFile(tmp_path / "run.npz", every_steps=1)
    with pytest.raises(Cut):
        train(data, file, cut=CutOff("batch_begin", 2, 3))
    return file.path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda d: {"batch_size": 15}, "batch_size was 16 and is 15"),
        (lambda d: {"shuffle": False}, "shuffle was True and is False"),
        (lambda d: {"validation": None}, "validation was {.* and is None"),
        (lambda d: {"validation": (d.test.images[:-1], d.test.labels[:-1])}, r"validation\.examples was 40 and is 39"),
        (lambda d: {"augment": None}, "augment was {.* and is None"),
        (lambda d: {"augment": augment.Pipeline([augment.Shift(2)], seed=3)}, r"steps\[0\]\.\w+ was 1 and is 2"),
        (lambda d: {"callbacks": []}, r"callbacks was \[.* and is \[\]"),
        (lambda d: {"loss": minicnn.SoftmaxCrossEntropy(label_smoothing=0.1)}, "label_smoothing was 0.0 and is 0.1"),
        (lambda d: {"optimizer": optimizers.SGD(0.05, momentum=0.8)}, r"optimizer\.momentum was 0.9 and is 0.8"),
        (lambda d: {"optimizer": optimizers.Adam(0.05)}, r"optimizer\.type was 'SGD' and is 'Adam'"),
        (lambda d: {"epochs": 1}, "holds 2 epochs, more than epochs=1"),
    ],
)
def test_other_settings(kept, data, changes, message):
    refused(data, kept, message, **changes(data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[:-1], y[:-1]), r"data\.examples was 90 and is 89"),
        (lambda x, y: (x[::-1].copy(), y), r"data\.checksum of examples was"),
        (lambda x, y: (x, y[::-1]), r"data\.checksum of labels was"),
        (lambda x, y: (x.astype("float64"), y), r"data\.dtype was 'float32' and is 'float64'"),
    ],
)
def test_other_data(kept, data, change, message):
    refused(SimpleNamespace(train=change(*data.train), test=data.test), kept, message)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network(seed=2), r"model\.seed was 1 and is 2"),
        (lambda: minicnn.Sequential([minicnn.Flatten(), minicnn.Dense(10)], (8, 8, 1), seed=1), r"model\.layers was"),
    ],
)
def test_another_model(kept, data, make, message):
    with pytest.raises(ValueError, match=message):
        train(data, kept, model=make())


def test_without_a_schedule_the_learning_rate_is_a_setting(tmp_path, data):
    train(data, tmp_path / "run.npz", epochs=1, callbacks=[])
    message = r"optimizer\.learning_rate was 0.05 and is 0.06"
    refused(data, tmp_path / "run.npz", message, optimizer=optimizers.SGD(0.06, momentum=0.9), callbacks=[])


def test_a_model_without_a_run(tmp_path, data):
    path = tmp_path / "model.npz"
    minicnn.save(network(), path)
    refused(data, path, "holds a model, but no run to go on")


@pytest.mark.parametrize("content", [b"", b"half a file"])
def test_a_damaged_file(tmp_path, data, content):
    path = tmp_path / "run.npz"
    path.write_bytes(content)
    refused(data, path, "is not a checkpoint of minicnn, or is damaged")
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("tally"), "cannot be read"),
        (lambda r: r.pop("settings"), "cannot be read"),
        (lambda r: r.update(settings=3), "cannot be read"),
        (lambda r: r.update(epoch=1), "come to epoch 1, but its history has 2"),
        (lambda r: r["tally"].update(steps=-1), "cannot be read"),
        (lambda r: r["tally"].update(loss="much"), "sums are no numbers"),
        (lambda r: r["tally"].update(colour="red"), "cannot be read"),
        (lambda r: r.update(callbacks=[]), "zip|callbacks"),
        (lambda r: r["callbacks"][1].pop("best"), "cannot take up its state"),
        (lambda r: r["callbacks"][1].update(best_epoch="x"), "cannot take up its state"),
    ],
)
def test_a_run_that_was_tampered_with(kept, data, change, message):
    with np.load(kept) as archive:
        run = json.loads(str(archive["run"]))
    change(run)
    rewrite(kept, run=np.array(json.dumps(run)))
    refused(data, kept, message)


@pytest.mark.parametrize("resume", [3, b"run.npz", True])
def test_resume_takes_a_path(data, resume):
    refused(data, resume, "resume takes the path of a file", TypeError)


def test_a_path_that_cannot_be_written_shows_at_once(tmp_path, data):
    (tmp_path / "file").write_bytes(b"")
    recorder = CutOff("batch_begin", 0, 0)
    with pytest.raises(OSError):
        train(data, tmp_path / "file" / "run.npz", cut=recorder)


@pytest.mark.parametrize("options", [{"every_seconds": -1}, {"every_steps": 0}, {"every_steps": 1.5}])
def test_run_file_checks_its_options(options):
    with pytest.raises((TypeError, ValueError), match=next(iter(options))):
        RunFile("run.npz", **options)


def test_a_fingerprint_reads_little():
    class Large:
        shape, read = (10**12, 3), 0

        def __len__(self):
            return 10**12

        def __getitem__(self, part):
            self.read += part.stop - part.start
            return np.full((1, 3), part.start, np.float32)

    large = Large()
    found = fingerprint(large, np.zeros(3, int))
    assert large.read == 64 and found["examples"] == 10**12 and found["shape"] == [3]
    assert fingerprint(np.ones((1, 2)), [0])["examples"] == 1
