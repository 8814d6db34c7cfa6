"""What the network gets to see: the images of a data set or a batch, and what augmentation makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from ..arguments import checked_count
from ..augment import check_pipeline
from .gallery import gallery
from .style import INK, SMALL, WIDTH, label_axes, new_figure

if TYPE_CHECKING:
    from ..batches import Augment
    from ..datasets import Dataset

CLASSES_ON_SHEET = 20


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

    Examples
    --------
    >>> from minicnn import datasets, plots
    >>> figure = plots.contact_sheet(datasets.load("digits"), columns=5)
    >>> figure.axes[0].get_yticklabels()[0].get_text().splitlines()  # a class, and how many images it has
    ['0', '128']
    """
    if not hasattr(data, "train") or not hasattr(data, "classes"):
        raise TypeError(f"contact_sheet takes a Dataset as data, got {data!r:.80}.")
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
    figure = new_figure(0.6 + (WIDTH - 1.2) * sheet.shape[0] / sheet.shape[1])
    ax = figure.subplots()
    ax.imshow(sheet, interpolation="nearest")
    shown = f", the first {len(rows)} of {len(data.classes)} classes" if len(data.classes) > len(rows) else ""
    label_axes(ax, title=f"{data.name}: {'test' if test else 'training'} images{shown}")
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

    Examples
    --------
    >>> from minicnn import datasets, plots
    >>> images, labels = datasets.load("digits").train
    >>> figure = plots.batch(images[:16], labels[:16])
    >>> figure.get_suptitle()
    '16 images of 8x8x1'
    """
    most = checked_count("batch", "most", most, at_least=1)
    shown, remark = _in_colour("batch", images)
    N, H, W, C = np.shape(images)
    names = [""] * N if labels is None else _class_names(np.asarray(labels), N, classes)
    count = f"the first {most} of {N:,}" if most < N else f"{N}"
    return gallery(shown[:most], f"{count} images of {H}x{W}x{C}{remark}", names[:most])


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
    pipeline : function `(images, *, epoch, batch) -> images`
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

    Examples
    --------
    >>> from minicnn import augment, datasets, plots
    >>> pipeline = augment.Pipeline([augment.Shift(2), augment.Cutout(3)])
    >>> figure = plots.augmented(pipeline, datasets.load("digits").train.images, versions=2)
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['as it is', 'epoch 1', 'epoch 2']
    """
    check_pipeline("augmented", pipeline)
    if pipeline is None:
        raise TypeError("augmented takes a pipeline such as augment.Pipeline([augment.Flip()]), got None.")
    _in_colour("augmented", images)
    versions = checked_count("augmented", "versions", versions, at_least=1)
    images = images[: checked_count("augmented", "most", most, at_least=1)]
    columns = [images, *(pipeline(images, epoch=epoch, batch=0) for epoch in range(versions))]
    shape = tuple(max(column.shape[axis] for column in columns) for axis in (1, 2))
    shown = [_centred(_in_colour("augmented", column)[0], shape) for column in columns]
    sheet = _mosaic(list(zip(*shown, strict=True)), (*shape, 3))
    figure = new_figure(0.4 + (WIDTH - 0.2) * sheet.shape[0] / sheet.shape[1])
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
    if not np.isfinite(low + high):
        raise ValueError(f"{owner} takes images of finite numbers, got {low:.4g} to {high:.4g}.")
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
