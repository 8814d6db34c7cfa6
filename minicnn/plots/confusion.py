"""What is taken for what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..arguments import checked_kind
from .style import DPI, INK, NORMAL, SMALL, label_axes


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

    Examples
    --------
    >>> from minicnn import plots
    >>> figure = plots.confusion_matrix(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), ["cat", "dog"])
    >>> figure.axes[0].get_title(loc="left")
    '75.0 % of 4 images are right'
    """
    checked_kind("confusion_matrix", "classes", classes, Sequence, "the names of the classes")
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
    label_axes(
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
