"""`minicnn train`: what it prints and writes, runs that go on, and what it refuses."""

import csv
import json
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image
from trained_runs import COLOURS, NET, command, write_data

import minicnn
from minicnn import History, cli, training
from minicnn.commands import UsageError, run_folder
from minicnn.commands import train as train_command
from minicnn.commands.training_config import TrainingConfig

OPTIONS = ("--layers", NET, "--batch-size", 20, "--augment", "Flip()", "--threads", 1)

pytestmark = pytest.mark.filterwarnings("ignore::minicnn.TrainingWarning")


@pytest.fixture
def data(tmp_path):
    """The path of a small data set."""
    return write_data(tmp_path / "colours.npz")


@pytest.fixture
def train(capsys, tmp_path, data):
    """Train into a folder below tmp_path: exit status, output, complaints."""

    def run(out, *options, layers=OPTIONS, source=("--data", data)):
        return command(capsys, "train", *source, *layers, "--out", tmp_path / out, *options)

    return run


def same(a, b):
    """Whether two runs ended with the same numbers, bit for bit."""
    one, other = (minicnn.load_run(folder / "run.npz") for folder in (a, b))
    assert one.history.epochs and one.history.val_loss == other.history.val_loss
    return all(np.array_equal(one.model.params[name], param) for name, param in other.model.params.items()) and all(
        np.array_equal(one.model.state[name], array) for name, array in other.model.state.items()
    )


# a run


def test_a_run_prints_and_writes_what_came_of_it(train, tmp_path):
    status, out, err = train("new/run", "--epochs", 4, "--optimizer", "SGD", "--learning-rate", 0.05, "--momentum", 0.9)
    assert status == 0 and not err
    lines = out.splitlines()
    assert lines[0] == (
        "colours: 66 training and 31 test images, 3 classes. 555 parameters to train, SoftmaxCrossEntropy()."
    )
    assert [line.split("  ")[0] for line in lines[1:5]] == [f"epoch {k}/4" for k in (1, 2, 3, 4)]
    assert f"Model    {tmp_path / 'new' / 'run' / 'run.npz'}" in lines
    folder = tmp_path / "new" / "run"
    assert {file.name for file in folder.iterdir()} == {"run.npz", "history.csv", "curves.png", "config.json"}
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert f"test accuracy {100 * float(rows[3]['val_accuracy']):.1f} %" in lines[4]
    with Image.open(folder / "curves.png") as figure:
        assert figure.width > 500
    run = minicnn.load_run(folder / "run.npz")
    assert repr(run.optimizer) == "SGD(learning_rate=0.05, momentum=0.9)" and run.history.val_accuracy[-1] > 0.5


def test_the_configuration_makes_the_same_run_again(train, tmp_path, capsys):
    train("a", "--epochs", 2, "--seed", 7, "--schedule", "CosineDecay", "--optimizer", "AdamW(weight_decay=0.1)")
    config = tmp_path / "a" / "config.json"
    values = json.loads(config.read_text(encoding="utf-8"))
    assert values["seed"] == 7 and values["layers"][0] == "Conv2D(4, 3)" and values["classes"] == list(COLOURS)
    assert command(capsys, "train", config, "--out", tmp_path / "b")[0] == 0
    assert same(tmp_path / "a", tmp_path / "b")
    assert command(capsys, "train", config, "--out", tmp_path / "c", "--seed", 8)[0] == 0  # options come first
    assert not same_parameters(tmp_path / "a", tmp_path / "c")


def same_parameters(a, b):
    one, other = (minicnn.load(folder / "run.npz").params for folder in (a, b))
    return all(np.array_equal(one[name], param) for name, param in other.items())


def test_one_logit_tells_two_classes_apart(train, tmp_path):
    two = write_data(tmp_path / "two.npz", classes=COLOURS[:2])
    status, out, _ = train("a", "--epochs", 1, layers=("--layers", "Flatten Dense(1)"), source=("--data", two))
    assert status == 0 and "BinaryCrossEntropy()" in out


def test_pictures_in_folders_have_the_size_asked_for(train, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for k in range(5):
            Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(tmp_path / f"pets/{name}/{k}.png")
    source = "--data", tmp_path / "pets", "--image-size", "6x12"
    status, _, err = train("a", "--epochs", 1, layers=("--layers", "Flatten Dense(2)"), source=source)
    assert status == 0 and not err
    assert minicnn.load(tmp_path / "a" / "run.npz").input_shape == (6, 12, 3)
    assert command(capsys, "evaluate", tmp_path / "a")[0] == 0  # in the network's size


def test_a_nan_ends_the_run_with_its_place(train, tmp_path):
    options = "--optimizer", "SGD", "--learning-rate", "3e38", "--check-finite"
    layers = "--layers", "Flatten Dense(8) Dense(8) Dense(3)"
    status, _, err = train("a", *options, layers=layers)
    assert status == 1 and err.startswith("minicnn train: ") and "Likely cause" in err


def test_warnings_are_sentences(train):
    with warnings.catch_warnings():
        warnings.simplefilter("always", minicnn.TrainingWarning)
        layers = "--layers", "Flatten BatchNorm Dense(3)"
        status, _, err = train("a", "--epochs", 1, "--batch-size", 2, layers=layers)
    assert status == 0 and err.startswith("minicnn train: warning: tiny-batches: ") and ".py" not in err


# runs that go on


def test_a_finished_run_is_left_alone_and_can_be_made_longer(train, tmp_path):
    train("a", "--epochs", 1)
    status, out, _ = train("a", "--epochs", 1)
    assert status == 0 and "All 1 epochs are done already" in out and "epoch 1/1" not in out
    status, out, _ = train("a", "--epochs", 3)
    assert status == 0 and "Goes on with epoch 2." in out and "epoch 1/3" not in out and "epoch 3/3" in out
    train("b", "--epochs", 3)
    assert same(tmp_path / "a", tmp_path / "b")
    assert json.loads((tmp_path / "a" / "config.json").read_text())["epochs"] == 3


def test_after_ctrl_c_the_same_command_goes_on(train, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(run_folder.RunFolder, "on_batch_end", lambda self, run: signal.raise_signal(signal.SIGINT))
        status, _, err = train("a", "--epochs", 2)
    assert status == 130 and "The same command again goes on" in err
    status, out, _ = train("a", "--epochs", 2)
    assert status == 0 and "Goes on with epoch 1, step 2." in out
    train("b", "--epochs", 2)
    assert same(tmp_path / "a", tmp_path / "b")


def test_after_a_kill_the_same_command_goes_on(train, tmp_path, data):
    program = (
        "import sys, psutil; from minicnn import cli; from minicnn.commands import run_folder, train\n"
        "train.SECONDS, steps = 0.0, []\n"
        "def dies(self, run):\n"
        "    steps.append(run.step)\n"
        "    if len(steps) == 7: psutil.Process().kill()\n"
        "run_folder.RunFolder.on_batch_end = dies\n"
        "cli.main(sys.argv[1:])\n"
    )
    arguments = ["train", "--data", data, *OPTIONS, "--out", tmp_path / "a", "--epochs", 3]
    killed = subprocess.run([sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True)
    assert killed.returncode != 0 and "epoch 1/3" in killed.stdout and "epoch 2/3" not in killed.stdout
    status, out, _ = train("a", "--epochs", 3)
    assert status == 0 and "Goes on with epoch 2, step 3." in out
    train("b", "--epochs", 3)
    assert same(tmp_path / "a", tmp_path / "b")


def test_a_run_that_was_moved_goes_on(train, tmp_path):
    train("a", "--epochs", 1)
    (tmp_path / "a").rename(tmp_path / "moved")
    status, out, _ = train("moved", "--epochs", 2)
    assert status == 0 and "Goes on with epoch 2." in out


def test_fresh_starts_anew_and_keeps_the_run_before(train, tmp_path):
    train("a", "--epochs", 1)
    before = (tmp_path / "a" / "run.npz").read_bytes()
    status, out, _ = train("a", "--epochs", 1, "--fresh", "--seed", 1)
    assert status == 0 and "Goes on" not in out and "epoch 1/1" in out
    assert (tmp_path / "a" / "run.previous.npz").read_bytes() == before
    assert minicnn.load(tmp_path / "a" / "run.npz").seed == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--seed", 1), "model.seed was 0 and is 1"),
        (("--learning-rate", 0.5), "optimizer.learning_rate was 0.001 and is 0.5"),
        (("--augment", "Shift(1)"), "augment"),
        (("--layers", "Flatten Dense(3)"), "model.layers"),
    ],
)
def test_another_run_is_not_gone_on_with(train, tmp_path, options, message):
    train("a", "--epochs", 1)
    before = {file.name: file.read_bytes() for file in (tmp_path / "a").iterdir()}
    status, _, err = train("a", "--epochs", 2, *options)
    assert status == 2 and message in err and "--fresh starts anew, another --out leaves it" in err
    assert {file.name: file.read_bytes() for file in (tmp_path / "a").iterdir()} == before


def test_a_damaged_run_is_told(train, tmp_path):
    train("a", "--epochs", 1)
    (tmp_path / "a" / "run.npz").write_bytes(b"PK damaged")
    status, _, err = train("a", "--epochs", 1)
    assert status == 2 and "damaged" in err and "--fresh" in err


# what is refused, before anything is written


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--layers", "Conv2d(4, 3) Flatten Dense(3)"), "layers: there is no layer 'Conv2d'; did you mean 'Conv2D'?"),
        (("--layers", "Conv2D(4, 3, pading=1)"), "layers: Conv2D has no option 'pading'; did you mean 'padding'?"),
        (("--layers", " "), "layers: a network needs at least one"),
        (("--layers", "Flatten Dense(7)"), "there are 3 classes. End it with Dense(3)."),
        (("--layers", "Flatten Dense(1)"), "there are 3 classes. End it with Dense(3)."),
        (("--layers", "Conv2D(3, 3)"), "shape (6, 6, 3), but there are 3 classes. End it with Flatten() Dense(3)."),
        (("--layers", "Flatten Dense(3) Softmax"), "leave out Softmax() at the end"),
        (("--layers", "Flatten Dense(1) Sigmoid"), "leave out Sigmoid() at the end"),
        (("--layers", "Conv2D(4, 9) Flatten Dense(3)"), "layers: conv2d_1 cannot take inputs of shape (8, 8, 3)"),
        (("--layers", f"Flatten Dense({10**14}) Dense(3)"), "layers: dense_1, Dense(100000000000000), would have"),
        (("--optimizer", "Adma"), "optimizer: there is no optimizer 'Adma'; did you mean 'Adam'?"),
        (("--optimizer", "Adam", "--momentum", 0.9), "momentum: 0.9 cannot be used, for the optimizer Adam() knows no"),
        (("--optimizer", "SGD(0.1)", "--learning-rate", 0.2), "learning_rate: 0.2 cannot be used"),
        (("--optimizer", "SGD", "--momentum", 2), "momentum < 1"),
        (("--learning-rate", -1), "0 < learning_rate"),
        (("--learning-rate", "nan"), "learning_rate: train needs a finite number"),
        (("--schedule", "cosine"), "schedule: there is no schedule 'cosine'; did you mean 'CosineDecay'?"),
        (("--schedule", "StepDecay(factor=2)"), "schedule: StepDecay(factor=2) cannot be made"),
        (("--augment", "Crop(4)"), "augment: there is no step 'Crop'"),
        (("--seed", -1), "0 <= seed"),
        (("--epochs", 0), "argument --epochs: takes a whole number of at least 1"),
        (("--image-size", "0x3"), "argument --image-size: takes a number of pixels"),
        (("--data", "no-such"), "no data set, file or folder is called 'no-such'"),
        (("--batch-size", 65, "--layers", "Flatten BatchNorm Dense(3)"), "the last batch holds 1"),
    ],
)
def test_what_cannot_be_trained_is_refused(train, tmp_path, options, message):
    status, _, err = train("a", *options)
    assert status == 2 and message in err
    assert not (tmp_path / "a").exists()


def test_data_that_cannot_be_read_is_told(train, tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    status, _, err = train("a", source=("--data", tmp_path / "bad.npz"))
    assert status == 2 and err.startswith("minicnn train: data: ")


def test_one_class_alone_is_refused(train, tmp_path):
    one = write_data(tmp_path / "one.npz", classes=COLOURS[:1])
    status, _, err = train("a", source=("--data", one), layers=("--layers", "Flatten Dense(1)"))
    assert status == 2 and "one class only; there is nothing to tell apart" in err


def test_a_file_in_the_folders_place_is_told(train, tmp_path):
    (tmp_path / "a").write_text("mine")
    status, _, err = train("a")
    assert status == 2 and "is a file; give a folder" in err and (tmp_path / "a").read_text() == "mine"


@pytest.mark.parametrize("missing", ["layers", "data", "out"])
def test_what_is_missing_is_named(capsys, tmp_path, missing):
    given = {"layers": "Flatten Dense(10)", "data": "digits", "out": str(tmp_path / "a")}
    del given[missing]
    status, _, err = command(capsys, "train", *(text for key in given for text in (f"--{key}", given[key])))
    assert status == 2 and f"{missing} is missing: give --{missing}" in err
    config = tmp_path / "config.json"
    config.write_text(json.dumps(given))
    status, _, err = command(capsys, "train", config)
    assert status == 2 and f"give --{missing} or '{missing}' in {config}" in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epoch": 3}, "there is no key 'epoch'; did you mean 'epochs'?"),
        ({"xyzzy": 3}, "there is no key 'xyzzy'. Keys: data, layers, out"),
        ({"epochs": "ten"}, "epochs: train needs a whole number as epochs, got 'ten'"),
        ({"epochs": True}, "epochs: train needs a whole number"),
        ({"batch_size": 0}, "batch_size: train needs a whole number with 1 <= batch_size"),
        ({"layers": 5}, "layers: takes a list of texts"),
        ({"layers": ["Flatten()", 5]}, "layers: takes a list of texts"),
        ({"layers": []}, "layers: a network needs at least one"),
        ({"data": ["digits"]}, "data: takes a text"),
        ({"data": ""}, "data: takes a text"),
        ({"optimizer": None}, "optimizer: takes a text"),
        ({"learning_rate": "fast"}, "learning_rate: train needs a finite number"),
        ({"schedule": 1}, "schedule: takes a text"),
        ({"augment": {}}, "augment: takes a list of texts"),
        ({"seed": 0.5}, "seed: train needs a whole number"),
        ({"image_size": [1, 2, 3]}, "image_size: takes a number of pixels or a pair"),
        ({"image_size": "big"}, "image_size: train needs a whole number"),
        ({"threads": 0}, "threads: train needs a whole number"),
        ({"check_finite": "yes"}, "check_finite: takes true or false"),
        ({"classes": ["a", "b"]}, "classes: the configuration is for a, b, but "),
    ],
)
def test_errors_in_the_configuration_name_the_key(capsys, tmp_path, data, change, message):
    values = {"data": str(data), "layers": ["Flatten()", "Dense(3)"], "out": str(tmp_path / "a")}
    (tmp_path / "config.json").write_text(json.dumps(values | change))
    status, _, err = command(capsys, "train", tmp_path / "config.json")
    assert status == 2 and message in err and not (tmp_path / "a").exists()


@pytest.mark.parametrize("text", ["[", "[]", '"data"', "[" * 100_000, "\xff"])
def test_what_is_no_configuration_is_told(capsys, tmp_path, text):
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    status, _, err = command(capsys, "train", tmp_path / "config.json")
    assert status == 2 and "configuration" in err


def test_a_configuration_that_is_not_there_is_told(capsys, tmp_path):
    status, _, err = command(capsys, "train", tmp_path / "none.json")
    assert status == 2 and "none.json cannot be read" in err


# pieces


def config_with(**changes):
    return TrainingConfig(data="digits", layers=["Flatten()"], out="a", **changes)


def test_a_schedule_takes_rate_and_length_from_the_run():
    (callback,) = config_with(epochs=8, schedule="CosineDecay").make_schedule(0.3)
    assert (callback.schedule.initial, callback.schedule.epochs, callback.schedule.final) == (0.3, 8, 0.0)
    (callback,) = config_with(epochs=8, schedule="WarmupCosine").make_schedule(0.3)
    assert (callback.schedule.peak, callback.schedule.epochs) == (0.3, 8)
    (callback,) = config_with(epochs=8, schedule="OneCycle(0.5, epochs=4)").make_schedule(0.3)
    assert (callback.schedule.peak, callback.schedule.epochs) == (0.5, 4)
    assert config_with().make_schedule(0.3) == []


def test_options_reach_fit(train, monkeypatch):
    seen = {}

    def fit(model, data, **options):
        seen.update(options)
        return History()

    monkeypatch.setattr(training, "fit", fit)
    assert train("a", "--epochs", 3, "--batch-size", 11, "--threads", 2, "--check-finite")[0] == 0
    assert (seen["epochs"], seen["batch_size"], seen["threads"], seen["check_finite"]) == (3, 11, 2, True)
    assert seen["resume"].every_seconds == train_command.SECONDS and len(seen["validation"][1]) == 31


def test_augmentation_has_the_seed_of_the_run():
    pipeline = config_with(seed=5, augment=["Flip()", "Shift(2)"]).make_pipeline()
    assert pipeline.seed == 5 and [repr(step) for step in pipeline.steps] == ["Flip()", "Shift(2)"]
    assert config_with().make_pipeline() is None


def test_options_of_every_key_reach_the_configuration():
    parser = cli._parser()
    given = [
        "--layers",
        "ReLU",
        "--data",
        "d",
        "--out",
        "o",
        "--epochs",
        "3",
        "--batch-size",
        "4",
        "--optimizer",
        "SGD",
    ]
    given += ["--learning-rate", "0.5", "--momentum", "0.25", "--schedule", "StepDecay", "--augment", "Flip()"]
    given += ["--seed", "6", "--image-size", "7x8", "--threads", "2", "--check-finite"]
    config = train_command.configure(parser.parse_args(["train", *given]))
    assert config == TrainingConfig(
        data="d", layers=["ReLU"], out="o", epochs=3, batch_size=4, optimizer="SGD", learning_rate=0.5, momentum=0.25,
        schedule="StepDecay", augment=["Flip()"], seed=6, image_size=(7, 8), threads=2, check_finite=True,
    )  # fmt: skip


def test_classes_of_other_data_are_not_asked_for(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"data": "a", "layers": "ReLU", "out": "o", "classes": ["x", "y"]}))
    parser = cli._parser()
    assert train_command.configure(parser.parse_args(["train", str(path)])).classes == ["x", "y"]
    assert train_command.configure(parser.parse_args(["train", str(path), "--data", "b"])).classes is None


def test_a_value_of_another_kind_is_refused_by_the_configuration():
    with pytest.raises(UsageError, match="epochs"):
        config_with(epochs=1.5)


@pytest.mark.parametrize("name", ["train", "predict", "evaluate"])
def test_help_shows_two_examples(capsys, name):
    status, out, _ = command(capsys, name, "--help")
    assert status == 0 and out.partition("examples:")[2].count(f"minicnn {name} ") == 2
