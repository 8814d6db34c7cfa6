"""Figures: each shows the numbers it was given, says what its axes are, and can be written."""

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from minicnn import Conv2D, Dense, Flatten, ReLU, Sequential, augment, plots
from minicnn.results import Curves, Recipe, Results
from minicnn.training import History


def written(figure):
    """The figure as PNG, having made sure that it is one of its own."""
    assert isinstance(figure, Figure)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=60)
    assert file.getvalue().startswith(b"\x89PNG") and file.tell() > 3000
    return figure


def words(figure):
    """Every text of a figure after it was drawn."""
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def history(epochs=3, accuracy=True, validation=True):
    falling = [1 / (1 + e) for e in range(epochs)]
    rising = [1 - x / 2 for x in falling] if accuracy else [None] * epochs
    none = [None] * epochs
    val = (falling, rising) if validation else (none, none)
    return History(falling, rising, *val, [0.1] * epochs, [1.0] * epochs)


def results(seeds=3, epochs=4, **test_accuracy):
    """Results with these final test accuracies, the same for every seed but for a small shift."""
    runs = {}
    for arm, accuracy in test_accuracy.items():
        ramp = np.linspace(0.5, accuracy, epochs)
        by_seed = {s: (2 - ramp - s / 10, ramp, 2 - ramp, ramp + s / 100) for s in range(seeds)}
        runs[arm] = {s: Curves(*(c.tolist() for c in curves), 1.0) for s, curves in by_seed.items()}
    about = {"name": "clothes", "train_images": 2000, "test_images": 1000, "image_shape": [28, 28, 1], "classes": []}
    return Results(about, Recipe(epochs=epochs), list(range(seeds)), 0.8, runs)


def model(channels=1):
    return Sequential([Conv2D(5, 3), ReLU(), Flatten(), Dense(4)], input_shape=(6, 7, channels), seed=0)


def test_learning_curves_show_loss_and_accuracy():
    figure = written(plots.learning_curves(history()))
    loss, accuracy = figure.axes
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "loss")
    assert (accuracy.get_xlabel(), accuracy.get_ylabel()) == ("epoch", "accuracy")
    training, validation = loss.lines
    assert_allclose(training.get_xydata(), [[1, 1], [2, 1 / 2], [3, 1 / 3]])
    assert (training.get_linestyle(), validation.get_linestyle()) == ("--", "-")
    assert training.get_label() == "training, running mean"


def test_learning_curves_leave_out_what_was_not_measured():
    figure = written(plots.learning_curves(history(accuracy=False, validation=False)))
    assert len(figure.axes) == 1 and len(figure.axes[0].lines) == 1


def test_learning_curves_of_several_runs_have_a_colour_each():
    figure = written(plots.learning_curves({"a": history(), "b": history(5)}))
    lines = figure.axes[0].lines
    assert [line.get_label() for line in lines][::2] == ["a training, running mean", "b training, running mean"]
    assert lines[0].get_color() == lines[1].get_color() != lines[2].get_color()
    for nothing in ({}, History(), {"a": history(), "b": History()}):
        with pytest.raises(ValueError, match="at least one epoch"):
            plots.learning_curves(nothing)


def test_lesson_figure_has_all_panels_and_arms():
    figure = written(plots.lesson_figure(results(plain=0.85, dropout=0.9, batchnorm=0.7, both=0.95)))
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == [
        *("training loss (nats)", "test loss (nats)", "generalization gap (points)"),
        *("training accuracy", "test accuracy", "epochs to 80 % test accuracy"),
    ]
    assert all(ax.get_xlabel() in ("epoch", "epochs") for ax in figure.axes)
    shown = words(figure)
    assert {"plain", "dropout", "batchnorm", "both", "not reached"} <= set(shown)
    assert any("clothes, 2,000 training and 1,000 test images; mean of 3 seeds" in text for text in shown)
    colours = {line.get_color() for line in figure.axes[0].lines}
    assert len(colours) == 4 and figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_lesson_figure_shows_means_and_the_range_of_seeds():
    planted = results(plain=0.9)
    test_accuracy = plots.lesson_figure(planted).axes[4]
    rows = planted.array("plain", "test_accuracy")
    assert_allclose(test_accuracy.lines[0].get_ydata(), rows.mean(axis=0))
    (shade,) = test_accuracy.collections
    edges = shade.get_paths()[0].vertices[:, 1]
    assert_allclose([edges.min(), edges.max()], [rows.min(), rows.max()])
    gap = plots.lesson_figure(planted).axes[2]
    assert_allclose(gap.lines[0].get_ydata(), -1.0, atol=1e-9)  # mean of 0, -1 and -2 points


def test_an_arm_keeps_its_colour_when_others_have_not_run():
    whole, part = results(plain=0.9, both=0.9), results(plain=0.9, both=0.9)
    part.runs["plain"].clear()
    first, second = plots.lesson_figure(whole).axes[0], written(plots.lesson_figure(part)).axes[0]
    assert first.lines[1].get_color() == second.lines[0].get_color() != first.lines[0].get_color()
    part.runs["both"].clear()
    with pytest.raises(ValueError, match="at least one finished run"):
        plots.lesson_figure(part)


def test_one_seed_has_no_shade():
    figure = written(plots.lesson_figure(results(seeds=1, epochs=1, plain=0.9)))
    assert not figure.axes[0].collections
    assert any(text.endswith("; one seed") for text in words(figure))


@pytest.mark.parametrize(("channels", "pictures"), [(1, 5), (2, 10), (3, 5)])
def test_first_layer_filters_shows_every_kernel(channels, pictures):
    network = model(channels)
    figure = written(plots.first_layer_filters(network))
    images = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert len(images) == pictures
    w = network.params["conv2d_1.w"]
    if channels == 3:
        assert images[0].shape == (3, 3, 3) and images[0].min() == 0 and images[0].max() == 1
    else:
        assert_allclose(images[channels], w[:, :, 0, 1])  # all channels of filter 1, then filter 2
        assert "weight" in words(figure)
        low, high = figure.axes[0].images[0].get_clim()
        assert -low == high == np.abs(w).max()  # white is zero
    with pytest.raises(ValueError, match="needs a model with a Conv2D"):
        plots.first_layer_filters(Sequential([Dense(2)], input_shape=(3,)))


def test_activations_are_those_of_the_layer():
    network = model()
    image = np.random.default_rng(0).random((6, 7, 1), dtype=np.float32)
    network.forward(image[None], training=True)
    cache = network.layers[0].cache
    figure = written(plots.activations(network, image, "relu_1"))
    assert network.layers[0].cache is cache  # the model is as it was
    first, second = network.layers[:2]
    expected = second.forward(first.forward(image[None]))[0]
    maps = [ax.images[0].get_array() for ax in figure.findobj(lambda a: hasattr(a, "images")) if len(ax.images)]
    assert_allclose(maps[0], image[:, :, 0])
    assert_allclose(np.stack(maps[1:6], axis=2), expected)
    assert "activation" in words(figure) and "relu_1: activations of one image" in words(figure)


def test_activations_of_vectors_are_bars():
    network = model()
    image = np.full((6, 7, 1), 0.5, np.float32)
    (ax,) = written(plots.activations(network, image, "dense_1")).axes
    assert_allclose([bar.get_height() for bar in ax.patches], network.forward(image[None])[0], rtol=1e-6)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("unit", "activation")


def test_activations_explains_what_it_cannot_show():
    image = np.zeros((6, 7, 1), np.float32)
    with pytest.raises(ValueError, match=r"no layer 'conv_1'; it has conv2d_1, relu_1"):
        plots.activations(model(), image, "conv_1")
    with pytest.raises(ValueError, match=r"takes a batch of shape"):
        plots.activations(model(), image[:3], "relu_1")


def test_confusion_matrix_counts():
    figure = written(plots.confusion_matrix([0, 0, 0, 1, 2], [0, 0, 1, 1, 0], ("cat", "dog", "hen")))
    ax = figure.axes[0]
    assert_allclose(ax.images[0].get_array(), [[2 / 3, 1 / 3, 0], [0, 1, 0], [1, 0, 0]])
    cells = {tuple(map(int, text.get_position())): text.get_text() for text in ax.texts}
    assert cells == {(0, 0): "2", (1, 0): "1", (1, 1): "1", (0, 2): "1"}  # (predicted, true)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert ax.get_title(loc="left") == "60.0 % of 5 images are right"
    assert [t.get_text() for t in ax.get_yticklabels()] == ["cat", "dog", "hen"]


@pytest.mark.parametrize(
    ("labels", "predicted"), [([0, 1], [0]), ([], []), ([0, 2], [0, 0]), ([0, 0], [-1, 0]), ([0.0], [0.0])]
)
def test_confusion_matrix_refuses_what_does_not_fit(labels, predicted):
    with pytest.raises(ValueError, match="confusion_matrix needs"):
        plots.confusion_matrix(labels, predicted, ("cat", "dog"))


def test_matplotlib_is_loaded_by_the_first_figure_only_and_pyplot_never():
    code = (
        "import sys, minicnn; assert 'matplotlib' not in sys.modules; minicnn.plots; "
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def drawn(figure):
    """The pictures of a figure, in order."""
    return [np.asarray(ax.images[0].get_array()) for ax in figure.axes if ax.images]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_batch_shows_images_and_classes(dtype):
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3)).astype(np.uint8)
    x = images if dtype == np.uint8 else (images / 255).astype(dtype)
    figure = written(plots.batch(x, [0, 1, 1, 0, 1], ["cat", "dog"]))
    assert words(figure).count("cat") == 2 and "5 images of 6x7x3" in words(figure)
    assert_allclose(drawn(figure), images / 255, atol=1e-6)
    assert "1" in words(plots.batch(x, [0, 1, 1, 0, 1]))


def test_batch_shows_grey_images_and_the_first_of_many():
    x = np.linspace(0, 1, 40 * 6 * 7).reshape(40, 6, 7, 1)
    figure = written(plots.batch(x, most=3))
    assert "the first 3 of 40 images of 6x7x1" in words(figure) and len(figure.axes) == 3
    assert_allclose(drawn(figure), np.repeat(x[:3], 3, axis=3))


def test_batch_says_how_other_numbers_are_drawn():
    x = np.linspace(-2, 2, 4 * 6 * 7 * 3).reshape(4, 6, 7, 3)
    figure = written(plots.batch(x))
    assert "4 images of 6x7x3, black is -2 and white 2" in words(figure)
    assert_allclose(drawn(figure), (x + 2) / 4)
    assert_allclose(drawn(plots.batch(np.full((1, 2, 2, 3), 7.0))), 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((6, 7, 3)),), r"\(N, H, W, C\).*got float64 of shape \(6, 7, 3\)"),
        ((np.zeros((0, 6, 7, 3)),), r"\(0, 6, 7, 3\)"),
        ((np.zeros((2, 6, 7, 3), int),), "got int64"),
        ((np.zeros((2, 6, 7, 3)), [0]), r"2 whole numbers as labels, got int64 of shape \(1,\)"),
        ((np.zeros((2, 6, 7, 3)), [0.0, 1.0]), "got float64"),
        ((np.zeros((2, 6, 7, 3)), [0, 2], ["cat", "dog"]), "labels from 0 to 2 and 2 classes"),
    ],
)
def test_batch_refuses_what_is_none(arguments, message):
    with pytest.raises(ValueError, match=f"batch.*{message}"):
        plots.batch(*arguments)


def test_augmented_shows_each_epoch():
    images = np.random.default_rng(0).random((9, 6, 8, 3))
    pipeline = augment.Pipeline([augment.Flip(), augment.Shift(1)])
    figure = written(plots.augmented(pipeline, images, versions=2, most=4))
    assert {"as it is", "epoch 1", "epoch 2"} <= set(words(figure))
    (sheet,) = drawn(figure)
    cells = sheet.reshape(4, 7, 3, 9, 3)[:, :6, :, :8].swapaxes(1, 2)  # a gap of one pixel right and below
    for column, expected in enumerate([images[:4], pipeline(images[:4], 0, 0), pipeline(images[:4], 1, 0)]):
        assert_allclose(cells[:, column], expected, atol=1e-6)


def test_augmented_puts_smaller_images_in_the_middle():
    images = np.zeros((2, 6, 8, 1), np.uint8)
    (sheet,) = drawn(plots.augmented(augment.Pipeline([augment.Crop((4, 4))]), images, versions=1))
    assert (sheet[:6, 9:17] == 0).sum() == 4 * 4 * 3 and (sheet[1:5, 11:15] == 0).all()
    with pytest.raises(ValueError, match=r"augmented takes images"):
        plots.augmented(lambda images, epoch, batch: images, np.zeros((6, 8, 1)))
    with pytest.raises(TypeError, match=r"augmented takes a pipeline such as .*got Flip\(\)"):
        plots.augmented(augment.Flip(), images)
