"""Small pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import INK, LARGE, NORMAL, SMALL, new_figure


def gallery(
    tiles: np.ndarray, title: str, names: Sequence[str], unit: str | None = None, image: np.ndarray | None = None
) -> Figure:
    """Small pictures in rows of eight, all on one colour scale, optionally beside the image they come from."""
    columns = min(8, len(tiles))
    rows = -(-len(tiles) // columns)
    figure = new_figure(0.8 + rows * (1.02 if image is None else 0.92))
    figure.suptitle(title, fontsize=LARGE, color=INK)
    part = figure
    if image is not None:
        left, part = figure.subfigures(1, 2, width_ratios=(1.6, 8))
        ax = left.subplots()
        ax.imshow(image if image.shape[2] == 3 else image.mean(axis=2), cmap="gray", vmin=0, vmax=1)
        ax.set_title("image", fontsize=SMALL, color=INK)
        ax.set_axis_off()
    axes = part.subplots(rows, columns, squeeze=False)
    scale = colour_scale(tiles) if unit else {}
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


def colour_scale(values: np.ndarray) -> dict:
    """Colours for `imshow`: white at zero with red above and blue below, or from dark to light without a sign."""
    if values.min() < 0:
        return {"cmap": "RdBu_r", "vmin": -np.abs(values).max(), "vmax": np.abs(values).max()}
    return {"cmap": "magma", "vmin": 0, "vmax": values.max() or 1}
