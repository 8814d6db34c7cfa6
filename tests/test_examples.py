"""The examples run, in their quick form, and say what they are there to say."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_about_a_page():
    for path in EXAMPLES.glob("*.py"):
        lines = [line.strip() for line in path.read_text().splitlines()]
        assert len(lines) < 140 and len([line for line in lines if line and line[0] != "#"]) <= 90, path.name


def test_first_network(capsys, tmp_path):
    figure = tmp_path / "curves.png"
    history = example("first_network").main(["--quick", "--figure", str(figure)])
    out = capsys.readouterr().out
    assert "31,594 parameters, 31,562 trainable" in out
    assert history.epochs == 2 and out.count("%") == 4
    assert f"{history.val_loss[-1]:.3f}" in out
    assert figure.stat().st_size > 10_000


@pytest.fixture
def pets(tmp_path):
    """Sixteen pictures of two classes in an .npz file: the second class is brighter."""
    rng = np.random.default_rng(0)
    labels = np.arange(16) % 2
    images = (rng.integers(0, 128, (16, 32, 32, 3)) + 127 * labels[:, None, None, None]).astype(np.uint8)
    path = tmp_path / "pets.npz"
    np.savez(path, x_train=images, y_train=labels, x_test=255 - images[:4], y_test=labels[:4], classes=["cat", "dog"])
    return path


def test_lesson_network(capsys, pets):
    history = example("lesson_network").main([str(pets), "--quick"])
    out = capsys.readouterr().out
    assert "897,665 parameters, 896,513 trainable" in out
    assert history.epochs == 1 and 0 <= history.val_accuracy[0] <= 1
    assert "epoch  1: training accuracy" in out


def test_lesson_network_takes_a_folder(pets, tmp_path):
    from PIL import Image

    with np.load(pets) as arrays:
        for k, (image, label) in enumerate(zip(arrays["x_train"], arrays["y_train"], strict=True)):
            folder = tmp_path / "folder" / str(arrays["classes"][label])
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).resize((40, 30)).save(folder / f"{k}.png")
    data = example("lesson_network").load(tmp_path / "folder")
    assert data.image_shape == (32, 32, 3) and data.classes == ("cat", "dog")


def test_lesson_network_downloads_by_itself(capsys, pets, monkeypatch):
    example_module = example("lesson_network")
    asked = []
    data = example_module.load(pets)
    monkeypatch.setattr(example_module.datasets, "load", lambda name: asked.append(name) or data)
    example_module.main(["--quick"])
    assert asked == ["cats-vs-dogs"] and "epoch  1: training accuracy" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(SystemExit):
        example_module.main(["--quick"])
    assert 'pip install "minicnn[data]"' in capsys.readouterr().err


def test_lesson_network_says_what_it_needs(capsys, tmp_path):
    main = example("lesson_network").main
    grey = np.zeros((4, 32, 32), np.uint8)
    np.savez(tmp_path / "grey.npz", x_train=grey, y_train=[0, 1, 0, 1], x_test=grey, y_test=[0, 1, 0, 1])
    for arguments, message in (
        (["nowhere.npz"], "No file nowhere.npz"),
        ([str(tmp_path / "grey.npz")], "needs 32x32x3 images of two classes"),
    ):
        with pytest.raises(SystemExit) as exit:
            main(arguments)
        assert exit.value.code == 2
        assert message in capsys.readouterr().err


def test_larger_than_memory(capsys, tmp_path):
    """Both ways see the same pictures, but for the rounding to bytes and another order."""
    main = example("larger_than_memory").main
    for arguments in ([], ["--folder", str(tmp_path / "noise")]):
        memory = main(["--quick", *arguments])
        out = capsys.readouterr().out
        assert "1,017 images, 0.05 GB as float32" in out
        assert f"at most {memory.most:.0f} MB" in out
    stored = np.load(tmp_path / "noise" / "x_train.npy")
    assert stored.shape == (1017, 64, 64, 3) and stored.max() == 254


def test_augmentation(capsys, tmp_path):
    figure = tmp_path / "augmented.png"
    accuracies = example("augmentation").main(["--quick", "--figure", str(figure)])
    out = capsys.readouterr().out
    assert list(accuracies) == ["as they are", "augmented"]
    assert accuracies["as they are"] != accuracies["augmented"]
    assert f"test images {accuracies['augmented'][1]:.1%}" in out
    assert figure.stat().st_size > 10_000


def test_lesson_network_in_pytorch_says_what_it_needs(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit):
        example("lesson_network_in_pytorch").main([])
    assert "pip install torch" in capsys.readouterr().err


def test_lesson_network_in_pytorch_learns(capsys, pets, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    example("lesson_network_in_pytorch").main([str(pets), "--epochs", "2"])
    assert capsys.readouterr().out.count("validation accuracy") == 2


def test_three_convolutions(capsys, tmp_path):
    figure = tmp_path / "times.png"
    times = example("three_convolutions").main(["--quick", "--figure", str(figure)])
    off = [float(number) for number in re.findall(r"\de[+-]\d\d$", capsys.readouterr().out, re.MULTILINE)]
    assert len(off) == len(times) == 5 and max(off) < 1e-5
    assert figure.stat().st_size > 10_000


def test_batchnorm_terms(capsys, tmp_path):
    example("batchnorm_terms").main(["--quick", "--figure", str(tmp_path / "terms.png")])
    rows = [line.rsplit(maxsplit=3) for line in capsys.readouterr().out.splitlines()[1:5]]
    loss, bias, weights = np.array([row[1:] for row in rows], dtype=float).T
    assert loss.argmin() == 0 and weights.argmin() == 0  # all three terms
    assert (bias[:2] < 1e-12).all() and (bias[2:] > 0.1).all()  # the mean's term is in the first two
    assert (tmp_path / "terms.png").stat().st_size > 10_000
