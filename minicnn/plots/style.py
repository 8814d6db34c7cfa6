"""One look for all figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Okabe & Ito's colours, which people with any kind of colour vision can tell apart; markers say it a second time.
COLOURS = ("#4d4d4d", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
WIDTH = 9.0  # inches: 900 pixels of a README
DPI = 200
INK, FAINT = "#333333", "#d9d9d9"
SMALL, NORMAL, LARGE = 8.5, 9.5, 11  # points


def new_figure(height: float) -> Figure:
    """An empty figure as wide as a page and `height` inches high."""
    return Figure(figsize=(WIDTH, height), layout="constrained", dpi=DPI)


def label_axes(ax: Axes, title: str = "", xlabel: str = "", ylabel: str = "") -> None:
    """Words in one size and colour, and nothing drawn that is not needed."""
    ax.set_title(title, fontsize=NORMAL, color=INK, loc="left")
    ax.set_xlabel(xlabel, fontsize=NORMAL, color=INK)
    ax.set_ylabel(ylabel, fontsize=NORMAL, color=INK)
    ax.tick_params(labelsize=SMALL, color=FAINT, labelcolor=INK)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(FAINT)


def epoch_numbers(values: Sequence[float]) -> np.ndarray:
    """1 for the first epoch's end."""
    return np.arange(1, len(values) + 1)


def epoch_axis(ax: Axes) -> None:
    """Whole epochs only."""
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
