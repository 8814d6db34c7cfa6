"""Figures: what training did, what the network has learned, what it sees and what it mixes up.

Every function returns a `matplotlib.figure.Figure` of its own, made without pyplot: nothing opens a window and nothing
is kept behind the scenes. `figure.savefig("name.png")` writes it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from .arguments import checked_count
from .augment import check_pipeline
from .estimates import Estimate
from .layers import Conv2D
from .results import Results, measures

if TYPE_CHECKING:
    from .batches import Augment
    from .datasets import Dataset
    from .model import Sequential
    from .training import History

# Okabe & Ito's colours, which people with any kind of colour vision can tell apart; markers say it a second time.
COLOURS = ("#4d4d4d", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
WIDTH = 9.0  # inches: 900 pixels of a README
DPI = 200
CLASSES_ON_SHEET = 20
INK, FAINT = "#333333", "#d9d9d9"
SMALL, NORMAL, LARGE = 8.5, 9.5, 11  # points


def learning_curves(histories: History | Mapping[str, History]) -> Figure:
    """Loss and accuracy over the epochs.

    The training curves are means over each epoch's steps, while the network still learned and with dropout at work; the
    validation curves are measured after the epoch. Early on, or with dropout, validation may thus look better.

    Parameters
    ----------
    histories : History or dict of str to History
        One training run, or several by name.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If there is no epoch to show.
    """
    several = histories if isinstance(histories, Mapping) else {"": histories}
    if not several or not all(history.epochs for history in several.values()):
        raise ValueError("learning_curves needs histories with at least one epoch: train with fit(...) first.")
    with_accuracy = any(a is not None for h in several.values() for a in h.accuracy)
    figure = _figure(3.4)
    quantities = ("loss", "accuracy") if with_accuracy else ("loss",)
    for ax, quantity in zip(np.atleast_1d(figure.subplots(1, len(quantities))), quantities, strict=True):
        for k, (name, history) in enumerate(several.items()):
            look = {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)], "markersize": 3.5}
            for kind, prefix, style in (("training, running mean", "", "--"), ("validation", "val_", "-")):
                values = [np.nan if v is None else v for v in getattr(history, prefix + quantity)]
                if not np.isnan(values).all():
                    ax.plot(_epochs(values), values, style, label=f"{name} {kind}".strip(), **look)
        _label(ax, xlabel="epoch", ylabel=quantity)
        _epoch_axis(ax)
        if quantity == "accuracy":
            ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    if ax.lines:  # none where every loss was NaN
        ax.legend(fontsize=SMALL, frameon=False)
    return figure


def lesson_figure(results: Results) -> Figure:
    """Loss and accuracy of every arm on training and test images, the gap between them, and the epochs to a target.

    Lines are means over the seeds, shades reach from the lowest to the highest seed.

    Parameters
    ----------
    results : minicnn.results.Results
        With at least one finished run.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If no run is finished.
    """
    arms = [arm for arm, runs in results.runs.items() if runs]
    if not arms:
        raise ValueError("lesson_figure needs results with at least one finished run, got none.")
    figure = _figure(5.9)
    axes = figure.subplots(2, 3)
    panels = {
        "train_loss": (axes[0, 0], "training loss (nats)"),
        "test_loss": (axes[0, 1], "test loss (nats)"),
        "gap": (axes[0, 2], "generalization gap (points)"),
        "train_accuracy": (axes[1, 0], "training accuracy"),
        "test_accuracy": (axes[1, 1], "test accuracy"),
    }
    for curve, (ax, label) in panels.items():
        for arm in arms:
            _band(ax, results.array(arm, curve) * (100 if curve == "gap" else 1), *_look(results, arm))
        _label(ax, title=label, xlabel="epoch")
        _epoch_axis(ax)
    for row in (0, 1):  # training and test images on one scale
        axes[row, 1].sharey(axes[row, 0])
        axes[row, 0].autoscale(axis="y")
    for ax in axes[1, :2]:
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        ax.axhline(results.target, color=INK, linewidth=0.8, linestyle=":")
    axes[0, 2].axhline(0, color=INK, linewidth=0.8, linestyle=":")
    _draw_epochs_to_target(axes[1, 2], results, arms)
    seeds = len(results.common_seeds(*arms))
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names), frameon=False, fontsize=LARGE)
    data, spread = results.data, f"mean of {seeds} seeds, shaded from lowest to highest" if seeds > 1 else "one seed"
    figure.supxlabel(
        f"{data['name']}, {data['train_images']:,} training and {data['test_images']:,} test images; {spread}",
        fontsize=SMALL,
        color=INK,
    )
    return figure


def own_lesson_figure(own: Results, library: Results) -> Figure:
    """The arms of a learner's own network beside those of minicnn's: test loss and test accuracy, a column an arm.

    Parameters
    ----------
    own, library : minicnn.results.Results
        From the same data, recipe and seeds.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If there is no arm of which both have finished a run.
    """
    arms = [arm for arm, runs in own.runs.items() if runs and library.runs.get(arm)]
    if not arms:
        raise ValueError("own_lesson_figure needs an arm of which both results have finished a run.")
    figure = _figure(4.6)
    axes = figure.subplots(2, len(arms), sharex=True, sharey="row", squeeze=False)
    for column, arm in enumerate(arms):
        for ax, curve in zip(axes[:, column], ("test_loss", "test_accuracy"), strict=True):
            _, colour, marker = _look(own, arm)
            _band(ax, own.array(arm, curve), "your layers", colour, marker)
            rows = library.array(arm, curve)
            ax.plot(_epochs(rows[0]), rows.mean(axis=0), "--", color=INK, linewidth=1.2, label="minicnn's layers")
            _label(ax, title=arm if curve == "test_loss" else "", xlabel="epoch" if curve == "test_accuracy" else "")
            _epoch_axis(ax)
    axes[0, 0].set_ylabel("test loss (nats)", fontsize=NORMAL, color=INK)
    axes[1, 0].set_ylabel("test accuracy", fontsize=NORMAL, color=INK)
    axes[1, 0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes[0, -1].legend(fontsize=SMALL, frameon=False)
    return figure


def _draw_epochs_to_target(ax: Axes, results: Results, arms: Sequence[str]) -> None:
    """One row an arm: a large mark for the mean with its standard error, and below it a small one for each seed."""
    last = results.recipe.epochs
    _label(ax, title=f"epochs to {100 * results.target:g} % test accuracy", xlabel="epochs")
    ax.set(xlim=(0, last + 0.5), ylim=(len(arms) - 0.4, -0.6), yticks=range(len(arms)), yticklabels=arms)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    for row, (arm, name) in enumerate(zip(arms, ax.get_yticklabels(), strict=True)):
        _, colour, marker = _look(results, arm)
        name.set_color(colour)
        values = results.values(arm, measures(results.target)["epochs_to_target"])
        reached = [epochs for epochs in values if epochs is not None]
        estimate = Estimate.of(values)
        mean, error = estimate.mean or 0, estimate.standard_error or 0
        if reached:
            below = row + np.linspace(0.2, 0.44, max(len(reached), 2))[: len(reached)]  # one under the other
            ax.plot(reached, below, "o", color=colour, markersize=3.5, markerfacecolor="white")
            ax.errorbar(mean, row, xerr=error or None, color=colour, marker=marker, markersize=7, capsize=3)
        to_the_right = mean < last / 2
        words = ax.annotate(
            estimate.text(1),
            (mean + error if to_the_right else mean - error, row),
            xytext=(8 if to_the_right else -8, 0),
            textcoords="offset points",
            ha="left" if to_the_right else "right",
            va="center",
            fontsize=SMALL,
            color=colour,
        )
        words.set_in_layout(False)  # it stands inside the axes


def _look(results: Results, arm: str) -> tuple[str, str, str]:
    """Name, colour and marker of an arm; the same whichever arms have finished."""
    k = list(results.runs).index(arm)
    return arm, COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]


def _band(ax: Axes, rows: np.ndarray, name: str, colour: str, marker: str) -> None:
    """Mean of the rows as a line, from their lowest to their highest as a shade."""
    epochs = _epochs(rows[0])
    ax.plot(epochs, rows.mean(axis=0), color=colour, marker=marker, markersize=3.5, linewidth=1.6, label=name)
    if len(rows) > 1:
        ax.fill_between(epochs, rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.18, linewidth=0)


def first_layer_filters(model: Sequential) -> Figure:
    """Kernels of the first convolution, one picture a filter.

    Kernels on three channels are shown as colours, each scaled from its lowest to its highest weight. Others are shown
    with a colour scale on which white is zero, one row of pictures a channel.

    Parameters
    ----------
    model : Sequential

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If the model has no convolution.
    """
    first = next((layer for layer in model.layers if isinstance(layer, Conv2D)), None)
    if first is None:
        raise ValueError(f"first_layer_filters needs a model with a Conv2D layer, got {model!r}.")
    w = first.params["w"]  # (KH, KW, C, F)
    in_colour = w.shape[2] == 3
    title = f"{w.shape[3]} filters of the first convolution, {w.shape[0]}x{w.shape[1]} pixels"
    if in_colour:
        low, high = w.min(axis=(0, 1, 2)), w.max(axis=(0, 1, 2))
        tiles = np.moveaxis((w - low) / np.where(high > low, high - low, 1), 3, 0)
        return _gallery(tiles, title, [f"{f + 1}" for f in range(len(tiles))])
    tiles = np.moveaxis(w, (2, 3), (1, 0)).reshape(-1, *w.shape[:2])
    names = [
        f"{f + 1}" if w.shape[2] == 1 else f"{f + 1}, ch {c + 1}" for f in range(w.shape[3]) for c in range(w.shape[2])
    ]
    return _gallery(tiles, title, names, "weight")


def activations(model: Sequential, image: np.ndarray, layer_name: str) -> Figure:
    """What one layer makes of one image, in evaluation mode: a picture a channel, or a bar a unit.

    Parameters
    ----------
    model : Sequential
        Left as it is.
    image : array, shape (H, W, C)
        One image as the model takes it.
    layer_name : str
        One of `model.layer_names`.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If there is no such layer, or the image has another shape than the model takes.
    """
    if layer_name not in model.layer_names:
        raise ValueError(f"The model has no layer {layer_name!r}; it has {', '.join(model.layer_names)}.")
    x = np.asarray(image)[np.newaxis]
    model.check_batch(x)
    x = x.astype(model.dtype)
    for layer in copy.deepcopy(model.layers)[: model.layer_names.index(layer_name) + 1]:
        x = layer.forward(x)
    title = f"{layer_name}: activations of one image"
    if x.ndim == 4:
        tiles = np.moveaxis(x[0], 2, 0)
        return _gallery(tiles, title, [f"{c + 1}" for c in range(len(tiles))], "activation", image)
    figure = _figure(2.8)
    ax = figure.subplots()
    ax.bar(np.arange(x.size), x[0], width=0.9, color=COLOURS[2])
    _label(ax, title=title, xlabel="unit", ylabel="activation")
    ax.axhline(0, color=INK, linewidth=0.8)
    return figure


def _gallery(
    tiles: np.ndarray, title: str, names: Sequence[str], unit: str | None = None, image: np.ndarray | None = None
) -> Figure:
    """Small pictures in rows of eight, all on one colour scale, optionally beside the image they come from."""
    columns = min(8, len(tiles))
    rows = -(-len(tiles) // columns)
    figure = _figure(0.8 + rows * (1.02 if image is None else 0.92))
    figure.suptitle(title, fontsize=LARGE, color=INK)
    part = figure
    if image is not None:
        left, part = figure.subfigures(1, 2, width_ratios=(1.6, 8))
        ax = left.subplots()
        ax.imshow(image if image.shape[2] == 3 else image.mean(axis=2), cmap="gray", vmin=0, vmax=1)
        ax.set_title("image", fontsize=SMALL, color=INK)
        ax.set_axis_off()
    axes = part.subplots(rows, columns, squeeze=False)
    scale = _scale(tiles) if unit else {}
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, tile, name in zip(axes.flat, tiles, names, strict=False):
        picture = ax.imshow(tile, **scale)
        ax.set_title(name, fontsize=SMALL, color=INK, pad=2)
    if unit:
        bar = part.colorbar(picture, ax=axes, shrink=0.9, aspect=20 * rows / 2, pad=0.02)
        bar.set_label(unit, fontsize=NORMAL, color=INK)
        bar.ax.tick_params(labelsize=SMALL, colors=INK)
        bar.outline.set_visible(False)
    return figure


def _scale(values: np.ndarray) -> dict:
    """Colours for `imshow`: white at zero with red above and blue below, or from dark to light without a sign."""
    if values.min() < 0:
        return {"cmap": "RdBu_r", "vmin": -np.abs(values).max(), "vmax": np.abs(values).max()}
    return {"cmap": "magma", "vmin": 0, "vmax": values.max() or 1}


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> Figure:
    """How often each class was taken for each: numbers are images, shades are shares of the row.

    Parameters
    ----------
    labels, predicted : integer array, shape (N,)
        True and predicted class of each image, 0 to K - 1.
    classes : sequence of str
        The K names.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If shapes differ, there is no image or a class is out of range.
    """
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    K = len(classes)
    whole = labels.dtype.kind in "iu" and predicted.dtype.kind in "iu"
    if labels.shape != predicted.shape or labels.ndim != 1 or not labels.size or not whole:
        given = " and ".join(f"{array.dtype}{list(array.shape)}" for array in (labels, predicted))
        raise ValueError(f"confusion_matrix needs a label and a predicted class, whole numbers, an image, got {given}.")
    if min(labels.min(), predicted.min()) < 0 or max(labels.max(), predicted.max()) >= K:
        raise ValueError(f"confusion_matrix needs classes from 0 to {K - 1} for {K} names.")
    counts = np.zeros((K, K), dtype=int)
    np.add.at(counts, (labels, predicted), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(2.6 + 0.5 * K, 4, 12))
    figure = Figure(figsize=(side + 1, side), layout="constrained", dpi=DPI)
    ax = figure.subplots()
    picture = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        if count:
            ax.text(
                j, i, f"{count}", ha="center", va="center", fontsize=SMALL, color="white" if shares[i, j] > 0.5 else INK
            )
    ax.set_xticks(range(K), classes, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(K), classes)
    accuracy = np.trace(counts) / counts.sum()
    _label(
        ax,
        title=f"{accuracy:.1%} of {counts.sum():,} images are right".replace("%", " %"),
        xlabel="predicted",
        ylabel="true",
    )
    ax.grid(False)
    bar = figure.colorbar(picture, ax=ax, shrink=0.8, format=PercentFormatter(1, decimals=0, symbol=" %"))
    bar.set_label("share of the true class", fontsize=NORMAL, color=INK)
    bar.ax.tick_params(labelsize=SMALL, colors=INK)
    bar.outline.set_visible(False)
    return figure


def contact_sheet(data: Dataset, *, test: bool = False, columns: int = 10, seed: int = 0) -> Figure:
    """Images of every class, a row each, drawn at random: what the network gets to see.

    Parameters
    ----------
    data : Dataset
        Of more than 20 classes, the first 20 are shown.
    test : bool
        Whether to show the test split; by default the training split.
    columns : int
        Images of a class; fewer where it has no more.
    seed : int
        The same seed draws the same images.

    Returns
    -------
    figure : Figure

    Raises
    ------
    TypeError, ValueError
        If `columns` is no whole number above 0, or `seed` none from 0.
    """
    columns = checked_count("contact_sheet", "columns", columns, at_least=1)
    rng = np.random.default_rng(checked_count("contact_sheet", "seed", seed, at_least=0))
    images, labels = data.test if test else data.train
    rows, names = [], []
    for label, name in enumerate(data.classes[:CLASSES_ON_SHEET]):
        members = np.flatnonzero(labels == label)
        chosen = rng.permutation(members)[:columns]
        rows.append([np.asarray(images[k : k + 1])[0] for k in chosen.tolist()])
        names.append(f"{name}\n{len(members):,}")
    sheet = _mosaic(rows, data.image_shape)
    figure = _figure(0.6 + (WIDTH - 1.2) * sheet.shape[0] / sheet.shape[1])
    ax = figure.subplots()
    ax.imshow(sheet, interpolation="nearest")
    shown = f", the first {len(rows)} of {len(data.classes)} classes" if len(data.classes) > len(rows) else ""
    _label(ax, title=f"{data.name}: {'test' if test else 'training'} images{shown}")
    cell = sheet.shape[0] / len(rows)
    ax.set_yticks((np.arange(len(rows)) + 0.5) * cell, names)
    ax.set_xticks([])
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return figure


def batch(
    images: np.ndarray, labels: np.ndarray | None = None, classes: Sequence[str] = (), *, most: int = 32
) -> Figure:
    """Images of a batch as the network gets them, each under its class.

    Parameters
    ----------
    images : array, shape (N, H, W, C)
        uint8, or floats. Floats outside 0 to 1 are drawn from their lowest to their highest, which the title says.
    labels : integer array, shape (N,), optional
    classes : sequence of str
        The K names; without them the labels themselves are shown.
    most : int
        How many images to draw at most.

    Returns
    -------
    figure : Figure

    Raises
    ------
    TypeError, ValueError
        If there is no image, or an array is not of its form.
    """
    most = checked_count("batch", "most", most, at_least=1)
    shown, remark = _in_colour("batch", images)
    N, H, W, C = np.shape(images)
    names = [""] * N if labels is None else _class_names(np.asarray(labels), N, classes)
    count = f"the first {most} of {N:,}" if most < N else f"{N}"
    return _gallery(shown[:most], f"{count} images of {H}x{W}x{C}{remark}", names[:most])


def _class_names(labels: np.ndarray, count: int, classes: Sequence[str]) -> list[str]:
    """Name each label."""
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(f"batch takes {count} whole numbers as labels, got {labels.dtype} of shape {labels.shape}.")
    if classes and (labels.min() < 0 or labels.max() >= len(classes)):
        raise ValueError(f"batch got labels from {labels.min()} to {labels.max()} and {len(classes)} classes.")
    return [classes[label] if classes else str(label) for label in labels.tolist()]


def augmented(pipeline: Augment, images: np.ndarray, *, versions: int = 8, most: int = 6) -> Figure:
    """What augmentation makes of some images: a row each, as it is on the left, then as in one epoch after the other.

    Parameters
    ----------
    pipeline : function (images, *, epoch, batch) -> images
        Such as an `augment.Pipeline`.
    images : array, shape (N, H, W, C)
        uint8, or floats.
    versions : int
        Number of epochs.
    most : int
        How many images to draw at most.

    Returns
    -------
    figure : Figure

    Raises
    ------
    TypeError, ValueError
        If there is no image.
    """
    check_pipeline("augmented", pipeline)
    versions = checked_count("augmented", "versions", versions, at_least=1)
    images = images[: checked_count("augmented", "most", most, at_least=1)]
    columns = [images, *(pipeline(images, epoch=epoch, batch=0) for epoch in range(versions))]
    shape = tuple(max(column.shape[axis] for column in columns) for axis in (1, 2))
    shown = [_centred(_in_colour("augmented", column)[0], shape) for column in columns]
    sheet = _mosaic(list(zip(*shown, strict=True)), (*shape, 3))
    figure = _figure(0.4 + (WIDTH - 0.2) * sheet.shape[0] / sheet.shape[1])
    ax = figure.subplots()
    ax.imshow(sheet, interpolation="nearest")
    ax.xaxis.tick_top()
    ax.set_xticks((np.arange(len(columns)) + 0.5) * sheet.shape[1] / len(columns))
    ax.set_xticklabels(["as it is", *(f"epoch {epoch + 1}" for epoch in range(versions))])
    ax.set_yticks([])
    ax.tick_params(labelsize=SMALL, length=0, labelcolor=INK)
    ax.spines[:].set_visible(False)
    return figure


def _in_colour(owner: str, images: np.ndarray) -> tuple[np.ndarray, str]:
    """Images as three colours from 0 to 1, and a remark for the title if their numbers had to be scaled for that."""
    images = np.asarray(images)
    if images.ndim != 4 or 0 in images.shape or images.dtype.kind not in "uf":
        raise ValueError(
            f"{owner} takes images of shape (N, H, W, C), uint8 or floats, got {images.dtype} of shape {images.shape}."
        )
    remark = ""
    shown = images / 255 if images.dtype.kind == "u" else images.astype(float)
    low, high = shown.min(), shown.max()
    if not (low >= 0 and high <= 1):
        shown = (shown - low) / ((high - low) or 1)
        remark = f", black is {low:.3g} and white {high:.3g}"
    if shown.shape[3] != 3:
        shown = np.repeat(shown.mean(axis=3, keepdims=True), 3, axis=3)
    return shown, remark


def _centred(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Images in the middle of white ones of `size`, at least as large."""
    white = np.ones((len(images), *size, 3))
    top, left = ((side - mine) // 2 for side, mine in zip(size, images.shape[1:3], strict=True))
    white[:, top : top + images.shape[1], left : left + images.shape[2]] = images
    return white


def _mosaic(rows: Sequence[Sequence[np.ndarray]], image_shape: tuple[int, int, int]) -> np.ndarray:
    """Lay images (H, W, C) in rows on white, in colour or grey: an array (H', W', 3)."""
    H, W, C = image_shape
    columns = max([1, *map(len, rows)])
    gap = max(W // 16, 1)
    sheet = np.ones((len(rows) * (H + gap), columns * (W + gap), 3), np.float32)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            colours = image if C == 3 else image.mean(axis=2, keepdims=True)
            top, left = i * (H + gap), j * (W + gap)
            sheet[top : top + H, left : left + W] = colours
    return sheet


def _figure(height: float) -> Figure:
    return Figure(figsize=(WIDTH, height), layout="constrained", dpi=DPI)


def _label(ax: Axes, title: str = "", xlabel: str = "", ylabel: str = "") -> None:
    """Words in one size and colour, and nothing drawn that is not needed."""
    ax.set_title(title, fontsize=NORMAL, color=INK, loc="left")
    ax.set_xlabel(xlabel, fontsize=NORMAL, color=INK)
    ax.set_ylabel(ylabel, fontsize=NORMAL, color=INK)
    ax.tick_params(labelsize=SMALL, color=FAINT, labelcolor=INK)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(FAINT)


def _epochs(values: Sequence[float]) -> np.ndarray:
    """1 for the first epoch's end."""
    return np.arange(1, len(values) + 1)


def _epoch_axis(ax: Axes) -> None:
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
