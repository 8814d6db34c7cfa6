"""LiveCurves: a picture after each epoch, whole at any time, on the disk or in a notebook."""

import io
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minicnn import SGD, Dense, MeanSquaredError, Sequential, fit, plots
from minicnn.callbacks import Callback, LiveCurves


def train(*callbacks, epochs=3, targets=None, **options):
    x = np.random.default_rng(0).standard_normal((20, 3)).astype("float32")
    targets = x[:, 0] if targets is None else targets
    options = {"loss": MeanSquaredError(), "optimizer": SGD(0.01), "epochs": epochs} | options
    return fit(Sequential([Dense(1)], (3,)), (x, targets), callbacks=callbacks, **options)


@pytest.fixture
def drawn(monkeypatch):
    """The number of epochs in each figure."""
    epochs, learning_curves = [], plots.learning_curves

    def count(history):
        epochs.append(history.epochs)
        return learning_curves(history)

    monkeypatch.setattr(plots, "learning_curves", count)
    return epochs


def test_after_each_epoch_there_is_a_new_and_whole_picture(tmp_path, drawn):
    path, pictures = tmp_path / "new" / "curves.png", []

    class Look(Callback):
        def on_epoch_end(self, run):
            with Image.open(path) as image:
                image.load()  # every pixel
                pictures.append((image.format, image.size, path.read_bytes()))

    train(LiveCurves(path), Look())
    assert drawn == [1, 2, 3]
    assert len(set(pictures)) == 3 and {p[:2] for p in pictures} == {("PNG", (900, 340))}
    assert [p.name for p in path.parent.iterdir()] == ["curves.png"]  # nothing left beside


def test_every_so_many_epochs_and_at_the_end(tmp_path, drawn):
    train(LiveCurves(tmp_path / "curves.png", every=3), epochs=8)
    assert drawn == [3, 6, 8]
    drawn.clear()
    train(LiveCurves(tmp_path / "curves.png", every=2), epochs=4)
    assert drawn == [2, 4]


def test_a_callback_can_be_used_again(tmp_path, drawn):
    live = LiveCurves(tmp_path / "curves.png")
    train(live, epochs=2)
    train(live, epochs=1)
    assert drawn == [1, 2, 1]


def test_a_training_that_ends_early_is_drawn(tmp_path, drawn):
    class Stop(Callback):
        def on_batch_end(self, run):
            run.stop = True

    train(LiveCurves(tmp_path / "curves.png", every=5), Stop())
    assert drawn == [1]


@pytest.mark.filterwarnings("ignore:loss-not-finite", "ignore:invalid value encountered:RuntimeWarning")
def test_a_loss_that_is_not_finite_leaves_an_empty_figure(tmp_path):
    train(LiveCurves(tmp_path / "curves.png"), targets=np.full(20, np.nan, "float32"))
    assert (tmp_path / "curves.png").stat().st_size > 1000


class Notebook:
    """As much of IPython as a notebook shows a picture with."""

    def __init__(self, monkeypatch, **shell):
        self.pictures, self.updates = [], []
        ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
        ipython.get_ipython = lambda: SimpleNamespace(**shell)
        display.Image = bytes
        display.display = self.display
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def display(self, picture, display_id):
        assert display_id is True  # else there is nothing to replace
        self.pictures.append(picture)
        return SimpleNamespace(update=self.updates.append)


def test_in_a_notebook_one_picture_is_replaced(monkeypatch):
    notebook = Notebook(monkeypatch, kernel=object())
    train(LiveCurves())
    assert len(notebook.pictures) == 1 and len(notebook.updates) == 2
    for picture in notebook.pictures + notebook.updates:
        assert Image.open(io.BytesIO(picture)).size == (900, 340)


@pytest.mark.parametrize("terminal", [False, True])
def test_without_a_notebook_it_asks_for_a_file(monkeypatch, terminal):
    if terminal:
        Notebook(monkeypatch)  # IPython in a terminal has no kernel
    else:
        monkeypatch.delitem(sys.modules, "IPython", raising=False)
    with pytest.raises(RuntimeError, match=r'Give it a file: LiveCurves\("curves.png"\)'):
        train(LiveCurves())


def test_arguments_that_do_not_fit(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.png.*got 'curves.pdf'"):
        LiveCurves("curves.pdf")
    with pytest.raises(ValueError, match="1 <= every"):
        LiveCurves("curves.png", every=0)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        train(LiveCurves(tmp_path / "folder.png"))
    assert repr(LiveCurves("a.png", every=2)) == "LiveCurves(path='a.png', every=2)"
