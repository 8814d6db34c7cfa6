"""`minicnn predict` and `minicnn evaluate`: what they say of a network that was trained."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from trained_runs import COLOURS, command, write_data

import minicnn
from minicnn import Dense, Flatten, Sequential, SoftmaxCrossEntropy, datasets
from minicnn.commands import predict as predict_command
from minicnn.commands.classifier import loss_for
from minicnn.commands.evaluate import measure


@pytest.fixture(scope="module")
def run_of(tmp_path_factory):
    """Train once on data of each kind: the folder, and the data."""
    runs = {}

    def run(capsys, channels=3, classes=COLOURS):
        key = channels, len(classes)
        if key not in runs:
            folder = tmp_path_factory.mktemp("run")
            source = write_data(folder / "colours.npz", channels, classes)
            outputs = 1 if len(classes) == 2 else len(classes)
            options = [
                "--epochs",
                4,
                "--batch-size",
                6,
                "--learning-rate",
                0.02,
                "--layers",
                f"Flatten Dense({outputs})",
            ]
            status, _, err = command(capsys, "train", "--data", source, "--out", folder / "run", *options)
            assert status == 0, err
            runs[key] = folder / "run", datasets.from_npz(source)
        return runs[key]

    return run


def save_pictures(folder, split, count=6):
    """Write the first images as PNG files, which keep every pixel."""
    folder.mkdir()
    for k in range(count):
        pixels = np.rint(split.images[k] * 255).astype(np.uint8)
        Image.fromarray(pixels.squeeze()).save(folder / f"{k}.png")
    return [folder / f"{k}.png" for k in range(count)]


# minicnn predict


@pytest.mark.parametrize("channels", [1, 3])
def test_predictions_are_those_of_the_model(capsys, tmp_path, run_of, channels):
    run, data = run_of(capsys, channels)
    files = save_pictures(tmp_path / "pictures", data.test)
    status, out, err = command(capsys, "predict", run, *files, "--json")
    assert status == 0 and not err
    p = SoftmaxCrossEntropy().probabilities(minicnn.load(run / "run.npz").predict(data.test.images[:6]))
    for answer, file, row in zip(json.loads(out), files, p, strict=True):
        assert answer["file"] == str(file) and answer["class"] == COLOURS[row.argmax()]
        assert answer["probabilities"] == pytest.approx(dict(zip(COLOURS, row, strict=True)), abs=1e-6)
        assert list(answer["probabilities"].values()) == sorted(answer["probabilities"].values(), reverse=True)


def test_a_coloured_picture_is_made_grey_for_a_grey_network(capsys, tmp_path, run_of):
    run, _ = run_of(capsys, channels=1)
    coloured = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8))
    coloured.save(tmp_path / "coloured.png")
    coloured.convert("L").save(tmp_path / "grey.png")
    status, out, _ = command(capsys, "predict", run, tmp_path / "coloured.png", tmp_path / "grey.png", "--json")
    first, second = json.loads(out)
    assert status == 0 and first["probabilities"] == pytest.approx(second["probabilities"], abs=1e-6)


def test_a_line_a_picture_with_the_likeliest_classes(capsys, tmp_path, run_of):
    run, data = run_of(capsys)
    file = save_pictures(tmp_path / "pictures", data.test)[0]
    _, out, _ = command(capsys, "predict", run / "run.npz", file, "--json")
    likeliest = list(json.loads(out)[0]["probabilities"].items())
    status, out, err = command(capsys, "predict", run / "run.npz", file, "--top", 2)
    assert status == 0 and not err
    assert out == f"{file}: {', '.join(f'{name} {100 * p:.1f} %' for name, p in likeliest[:2])}\n"


def test_one_logit_gives_two_probabilities(capsys, tmp_path, run_of):
    run, data = run_of(capsys, classes=COLOURS[:2])
    files = save_pictures(tmp_path / "pictures", data.test, count=20)
    status, out, _ = command(capsys, "predict", run, *files, "--json")
    answers = json.loads(out)
    assert status == 0 and all(sum(answer["probabilities"].values()) == pytest.approx(1) for answer in answers)
    right = [answer["class"] == COLOURS[label] for answer, label in zip(answers, data.test.labels, strict=False)]
    assert sum(right) > 15


def test_folders_are_searched_and_pictures_squeezed(capsys, tmp_path, run_of, monkeypatch):
    monkeypatch.setattr(predict_command, "BATCH", 2)
    run, data = run_of(capsys)
    files = save_pictures(tmp_path / "b", data.test, count=3)
    (tmp_path / "b" / "deeper").mkdir()
    with Image.open(files[0]) as picture:
        large = tmp_path / "b" / "deeper" / "large.bmp"
        picture.resize((80, 80), Image.Resampling.NEAREST).save(large)
    (tmp_path / "b" / "notes.txt").write_text("no picture")
    status, out, _ = command(capsys, "predict", run, tmp_path / "b", files[1], "--json")
    answers = json.loads(out)
    assert status == 0 and [answer["file"] for answer in answers] == [*map(str, [*files, large, files[1]])]
    assert answers[3]["probabilities"] == pytest.approx(answers[0]["probabilities"], abs=0.02)
    assert answers[4]["probabilities"] == pytest.approx(answers[1]["probabilities"], abs=1e-6)


def test_broken_pictures_are_told_and_the_others_predicted(capsys, tmp_path, run_of):
    run, data = run_of(capsys)
    files = save_pictures(tmp_path / "b", data.test, count=2)
    files[0].write_bytes(files[0].read_bytes()[:60])
    status, out, err = command(capsys, "predict", run, *files)
    assert status == 1 and out.startswith(str(files[1])) and err.startswith(f"minicnn predict: {files[0]}: ")
    status, out, _ = command(capsys, "predict", run, *files, "--json")
    first, second = json.loads(out)
    assert status == 1 and set(first) == {"file", "error"} and set(second) == {"file", "class", "probabilities"}


def test_without_a_configuration_the_classes_have_to_be_named(capsys, tmp_path, run_of):
    run, data = run_of(capsys)
    file = save_pictures(tmp_path / "b", data.test, count=1)[0]
    shutil.copy(run / "run.npz", tmp_path / "alone.npz")
    status, _, err = command(capsys, "predict", tmp_path / "alone.npz", file)
    assert status == 2 and "Give them in the order of their labels: --classes cat,dog" in err
    status, out, _ = command(capsys, "predict", tmp_path / "alone.npz", file, "--classes", "r, g,b", "--json")
    assert status == 0 and set(json.loads(out)[0]["probabilities"]) == {"r", "g", "b"}
    status, _, err = command(capsys, "predict", run, file, "--classes", "r,g")
    assert status == 2 and "2 names of classes (r, g) do not fit a network with outputs of shape (3,)" in err
    status, _, err = command(capsys, "predict", run, file, "--classes", "r,g,g")
    assert status == 2 and "names of classes have to differ, got r, g, g" in err


def test_what_is_not_there_is_told_before_anything_is_printed(capsys, tmp_path, run_of):
    run, data = run_of(capsys)
    file = save_pictures(tmp_path / "b", data.test, count=1)[0]
    (tmp_path / "empty").mkdir()
    for arguments, message in [
        ((run, file, tmp_path / "none.png"), "there is no picture or folder"),
        ((run, file, tmp_path / "empty"), "holds no picture"),
        ((tmp_path / "none.npz", file), "There is no checkpoint"),
        ((tmp_path / "empty", file), "There is no checkpoint"),
        ((file, file), "is not a checkpoint of minicnn"),
    ]:
        status, out, err = command(capsys, "predict", *arguments)
        assert status == 2 and not out and message in err


@pytest.mark.parametrize(
    ("change", "message"),
    [({"classes": None}, "the key 'classes' is missing"), ({"classes": "abc"}, "1 names of classes (abc) do not fit")],
)
def test_a_configuration_that_was_changed_is_told(capsys, tmp_path, run_of, change, message):
    run, data = run_of(capsys)
    file = save_pictures(tmp_path / "b", data.test, count=1)[0]
    shutil.copy(run / "run.npz", tmp_path / "run.npz")
    (tmp_path / "config.json").write_text(json.dumps(json.loads((run / "config.json").read_text()) | change))
    status, _, err = command(capsys, "predict", tmp_path, file)
    assert status == 2 and message in err


def test_a_network_on_other_things_than_pictures_is_told(capsys, tmp_path, run_of):
    _, data = run_of(capsys)
    file = save_pictures(tmp_path / "b", data.test, count=1)[0]
    minicnn.save(Sequential([Flatten(), Dense(2)], input_shape=(8, 8, 2)), tmp_path / "two.npz")
    status, _, err = command(capsys, "predict", tmp_path / "two.npz", file, "--classes", "a,b")
    assert status == 2 and "inputs of shape (8, 8, 2), no grey or coloured pictures" in err


# minicnn evaluate


@pytest.mark.parametrize("classes", [COLOURS, COLOURS[:2]])
@pytest.mark.parametrize("split", ["test", "train"])
def test_numbers_are_those_of_the_model(capsys, run_of, classes, split):
    run, data = run_of(capsys, classes=classes)
    status, out, err = command(capsys, "evaluate", run, "--split", split, "--json")
    assert status == 0 and not err
    result = json.loads(out)
    model, (x, labels) = minicnn.load(run / "run.npz"), getattr(data, split)
    loss = loss_for(model, len(classes))
    expected = model.evaluate((x, labels), loss)
    assert result["loss"] == pytest.approx(expected["loss"]) and result["accuracy"] == expected["accuracy"]
    assert (result["data"], result["split"], result["images"]) == ("colours", split, len(labels))
    for k, name in enumerate(classes):
        of_class = x[labels == k], labels[labels == k]
        assert result["classes"][name]["images"] == len(of_class[1])
        assert result["classes"][name]["accuracy"] == pytest.approx(model.evaluate(of_class, loss)["accuracy"])


def test_accuracy_of_a_class_counts_its_own_images():
    result = measure(np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1]), ("a", "b"))
    assert result["accuracy"] == 0.5
    assert result["classes"] == {"a": {"images": 3, "accuracy": 1 / 3}, "b": {"images": 1, "accuracy": 1.0}}


def test_the_table_shows_the_same_numbers(capsys, run_of):
    run, _ = run_of(capsys)
    result = json.loads(command(capsys, "evaluate", run, "--json")[1])
    lines = command(capsys, "evaluate", run)[1].splitlines()
    assert lines[:3] == [
        "colours: 31 test images",
        f"loss      {result['loss']:.4f}",
        f"accuracy  {100 * result['accuracy']:.1f} %",
    ]
    for line, name in zip(lines[-3:], COLOURS, strict=True):
        of_class = result["classes"][name]
        assert line.split() == [name, str(of_class["images"]), f"{100 * of_class['accuracy']:.1f}", "%"]


def test_a_class_without_images_has_no_accuracy(capsys, tmp_path, run_of):
    run, data = run_of(capsys)
    some = data.test.labels != 2
    x, y = data.test.images[some], data.test.labels[some]
    np.savez(tmp_path / "two.npz", x_train=x, y_train=y, x_test=x, y_test=y, classes=np.array(COLOURS))
    status, out, _ = command(capsys, "evaluate", run, "--data", tmp_path / "two.npz")
    assert status == 0 and out.splitlines()[-1].split() == ["blue", "0", "-"]


def test_what_is_taken_for_what_is_drawn(capsys, tmp_path, run_of):
    run, _ = run_of(capsys)
    status, _, _ = command(capsys, "evaluate", run, "--plot", tmp_path / "new" / "confusion.png")
    assert status == 0
    with Image.open(tmp_path / "new" / "confusion.png") as figure:
        assert figure.width > 300
    status, _, err = command(capsys, "evaluate", run, "--plot", tmp_path / "confusion.xyz")
    assert status == 2 and "cannot write the figure" in err and not (tmp_path / "confusion.xyz").exists()


def test_other_data_than_the_network_knows_are_refused(capsys, tmp_path, run_of):
    run, _ = run_of(capsys)
    grey = write_data(tmp_path / "grey.npz", channels=1)
    other = write_data(tmp_path / "other.npz", classes=("red", "blue", "green"))
    shutil.copy(run / "run.npz", tmp_path / "alone.npz")
    (tmp_path / "bad.npz").write_bytes(b"bad")
    for arguments, message in [
        ((run, "--data", grey), "images of shape (8, 8, 3), but those of grey are (8, 8, 1)"),
        ((run, "--data", other), "tells red, green, blue apart, in this order; the classes of other are red, blue"),
        ((run, "--data", "nothing"), "no data set, file or folder is called 'nothing'"),
        ((run, "--data", tmp_path / "bad.npz"), "--data: "),
        ((tmp_path / "alone.npz", "--classes", "a,b,c"), "give --data"),
    ]:
        status, out, err = command(capsys, "evaluate", *arguments)
        assert status == 2 and not out and message in err


def test_a_network_that_went_wrong_is_told(capsys, tmp_path, run_of):
    run, data = run_of(capsys)
    file = save_pictures(tmp_path / "b", data.test, count=1)[0]
    shutil.copytree(run, tmp_path / "wrong")
    model = minicnn.load(run / "run.npz")
    model.params["dense_1.b"][1] = np.nan
    minicnn.save(model, tmp_path / "wrong" / "run.npz")
    status, out, err = command(capsys, "predict", tmp_path / "wrong", file)
    assert status == 1 and not out and "answers with NaN" in err
    status, out, _ = command(capsys, "predict", tmp_path / "wrong", file, "--json")
    assert status == 1 and "error" in json.loads(out)[0]
    assert "nan" in command(capsys, "evaluate", tmp_path / "wrong")[1]
    assert json.loads(command(capsys, "evaluate", tmp_path / "wrong", "--json")[1])["loss"] is None
