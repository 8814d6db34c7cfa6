"""The figure of a report: which dots are off the line, and where in the array they sit.

One row an argument. On the left analytic against numeric gradient: right entries lie on the line y = x. On the right
the relative error as a map: an array of one or two axes as it is; one of more axes as small pictures, one for each
position on the remaining axes, since a mistake at a border or in one kernel column shows at a glance in a picture.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure, SubFigure

from .report import ArgumentReport, Report

RIGHT, WRONG, LINE, LEFT_OUT, INK = "#33658a", "#d1495b", "#999999", "#e0e0e0", "#222222"
BELOW_TOLERANCE = ("#f4f8fb", "#a9c6de", RIGHT)
ABOVE_TOLERANCE = ("#f2b134", WRONG, "#6b1220")
FAINTEST = 1e-4  # of the tolerance: smaller errors look like none
WIDTH, TITLE_HEIGHT, LINE_HEIGHT = 9.0, 0.5, 0.2  # inches
ROW_HEIGHT, STRIP_HEIGHT, EMPTY_HEIGHT = 3.1, 2.3, 0.6  # of an argument, one with a single axis, one without numbers
STRIP_ASPECT = 0.2  # height to width
HEADING_CHARACTERS, TITLE_CHARACTERS = 75, 100  # that fit into the width
LEGEND = {
    "loc": "lower left",
    "bbox_to_anchor": (0, 1),  # above the axes, where no dot can be
    "ncols": 3,
    "fontsize": 8,
    "frameon": False,
    "handlelength": 1.2,
    "handletextpad": 0.4,
    "columnspacing": 1.2,
    "borderpad": 0.1,
}
MOST_ROWS = 6  # arguments
MOST_PICTURES = 12  # of one argument
PICTURES_A_ROW = 4
FEW = 12  # positions on an axis that can be counted one by one


def draw(report: Report) -> Figure:
    """One row an argument; if there are many, the wrong ones first."""
    first = {a.name for a in sorted(report.arguments, key=lambda a: a.passed)[:MOST_ROWS]}
    shown = [a for a in report.arguments if a.name in first]
    heights = [_height(a) + LINE_HEIGHT * _title(report, a).count("\n") for a in shown]
    figure = Figure(figsize=(WIDTH, sum(heights, TITLE_HEIGHT)), layout="constrained", dpi=110)
    verdict = "passed" if report.passed else "FAILED"
    left_out = len(report.arguments) - len(shown)
    more = f" ({left_out} more not shown)" if left_out else ""
    title = textwrap.fill(f"Gradient check of {report.title}: {verdict}{more}", HEADING_CHARACTERS)
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK if report.passed else WRONG)
    if not shown:
        return figure
    rows = figure.subfigures(len(shown), 1, squeeze=False, height_ratios=heights, hspace=0.03)
    for argument, (row,) in zip(shown, rows, strict=True):
        row.suptitle(_title(report, argument), fontsize=9.5, color=INK if argument.passed else WRONG)
        if argument.compared:
            left, right = row.subfigures(1, 2, width_ratios=(1, 1.5))
            _scatter(left.subplots(), argument)
            _error_map(right, argument)
        else:
            _say(row.subplots(), _why_empty(argument))
    return figure


def _height(a: ArgumentReport) -> float:
    return EMPTY_HEIGHT if not a.compared else STRIP_HEIGHT if len(a.shape) < 2 else ROW_HEIGHT


def _title(report: Report, a: ArgumentReport) -> str:
    """The argument, and what was found: code and first sentence."""
    found = [f for f in report.findings if f.argument == a.name]
    name = f"{a.name} {a.shape}" if a.shape else a.name
    if not found:
        return f"{name}: {'right' if a.compared else 'not compared'}"
    parts = re.split(r"(?<=[a-z0-9)])[.:;] ", found[0].message)
    sentence = ": ".join(parts[: 2 if "layer" in found[0].evidence else 1]).rstrip(".")  # which layer, and what
    return textwrap.fill(f"{name}: {found[0].code}, {sentence}", TITLE_CHARACTERS, break_on_hyphens=False)


def _scatter(ax: Axes, a: ArgumentReport) -> None:
    """Analytic against numeric, with the line where both are equal."""
    shown = ~np.isnan(a.relative_error) & np.isfinite(a.analytic)
    if not shown.any():
        _say(ax, "no entry of the gradient is a finite number")
        return
    numeric, analytic, wrong = a.numeric[shown], a.analytic[shown].astype(np.float64), a.wrong[shown]
    ends_x, ends_y = (_ends(values) for values in (numeric, analytic))
    ends = (min(ends_x[0], ends_y[0]), max(ends_x[1], ends_y[1]))
    ax.plot(ends, ends, color=LINE, linewidth=1, zorder=1, label="y = x")
    for chosen, colour, label in ((~wrong, RIGHT, "right"), (wrong, WRONG, "wrong")):
        if chosen.any():
            dots = f"{label} ({np.count_nonzero(chosen):,})"
            ax.scatter(numeric[chosen], analytic[chosen], s=14, color=colour, label=dots, zorder=2, linewidths=0)
    ax.set(xlim=ends_x, ylim=ends_y, xlabel="numeric", ylabel="analytic")
    ax.ticklabel_format(style="sci", scilimits=(-3, 4))
    ax.tick_params(labelsize=8)
    ax.legend(**LEGEND)


def _ends(values: np.ndarray) -> tuple[float, float]:
    """The range of one axis, with a margin."""
    margin = 0.08 * float(np.ptp(values)) or 0.1 * float(np.abs(values).max(initial=0.0)) or 1.0
    return float(values.min(initial=np.inf)) - margin, float(values.max(initial=-np.inf)) + margin


def _error_map(figure: SubFigure, a: ArgumentReport) -> None:
    """Relative error of each entry, as one picture or several."""
    norm = LogNorm(FAINTEST * a.tolerance, max(1.0, 10 * a.tolerance), clip=True)
    colours = _colours(float(norm(a.tolerance)))
    pictures, across = list(_pictures(a)), _axes_of_a_picture(a.shape)
    chosen = sorted(sorted(range(len(pictures)), key=lambda k: -pictures[k][2])[:MOST_PICTURES])
    columns = min(PICTURES_A_ROW, len(chosen))
    axes = figure.subplots(-(-len(chosen) // columns), columns, squeeze=False).ravel()
    for ax in axes[len(chosen) :]:
        ax.set_axis_off()
    for ax, k in zip(axes, chosen, strict=False):
        where, errors, _ = pictures[k]
        table = np.ma.masked_invalid(np.clip(errors, norm.vmin, norm.vmax))
        ax.imshow(table, cmap=colours, norm=norm, aspect="auto" if len(pictures) == 1 else "equal")
        _label(ax, table.shape, across, alone=len(pictures) == 1)
        ax.set_title(where, fontsize=7.5 if len(pictures) > 1 else 8.5, pad=3)
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=axes, pad=0.03, aspect=25)
    bar.set_label(_caption(a, len(chosen), len(pictures)), fontsize=8)
    bar.ax.tick_params(labelsize=7)
    bar.ax.axhline(a.tolerance, color=INK, linewidth=1)
    bar.ax.annotate(
        "tolerance", (0, a.tolerance), (-2, 2), textcoords="offset points", ha="right", fontsize=6.5, rotation=90
    )


def _caption(a: ArgumentReport, shown: int, pictures: int) -> str:
    """What the colours mean, and what is not in the pictures."""
    words = "relative error"
    if np.isnan(a.relative_error).any():
        words += ", grey: left out"
    return words if shown == pictures else f"{words}\nthe worst {shown} of {pictures} slices"


def _axes_of_a_picture(shape: tuple[int, ...]) -> tuple[int, int]:
    """The two neighbouring axes that hold the largest square: height and width of images in any layout, mostly."""
    if len(shape) <= 2:
        return (0, 1)

    def squareness(pair: tuple[int, int]) -> tuple[int, float, bool]:
        low, high = sorted((shape[pair[0]], shape[pair[1]]))
        return low, low / max(high, 1), pair[0] == 1  # of equals, those behind the batch

    return max(((k, k + 1) for k in range(len(shape) - 1)), key=squareness)


def _pictures(a: ArgumentReport) -> Iterator[tuple[str, np.ndarray, float]]:
    """Each picture: which slice of the array it is, its errors, and how bad it is."""
    if len(a.shape) <= 2:
        yield "", np.atleast_2d(a.relative_error), 0.0
        return
    across = _axes_of_a_picture(a.shape)
    for index in product(*(range(1) if k in across else range(n) for k, n in enumerate(a.shape))):
        place = tuple(slice(None) if k in across else i for k, i in enumerate(index))
        errors = a.relative_error[place]
        words = ", ".join(":" if k in across else str(i) for k, i in enumerate(index))
        finite = np.nan_to_num(errors, posinf=1.0)
        yield f"[{words}]", errors, float(np.count_nonzero(finite > a.tolerance) + finite.max(initial=0.0))


def _label(ax: Axes, shape: tuple[int, int], across: tuple[int, int], alone: bool) -> None:
    """Positions along the axes; the names of the axes where there is room for them."""
    for axis, count, number in ((ax.yaxis, shape[0], across[0]), (ax.xaxis, shape[1], across[1])):
        if not alone or count == 1:
            axis.set_ticks([])
        elif count <= FEW:
            axis.set_ticks(range(count))
        else:
            axis.get_major_locator().set_params(integer=True)
        if alone and count > 1:
            axis.set_label_text(f"axis {number if shape[0] > 1 else 0}", fontsize=8)
    ax.tick_params(labelsize=7)
    if alone and shape[0] == 1:
        ax.set_box_aspect(STRIP_ASPECT)


def _colours(tolerance: float) -> LinearSegmentedColormap:
    """Blues up to the tolerance (a position between 0 and 1), fire colours from there on."""
    below = zip(np.linspace(0, tolerance, len(BELOW_TOLERANCE)), BELOW_TOLERANCE, strict=True)
    above = zip(np.linspace(tolerance, 1, len(ABOVE_TOLERANCE)), ABOVE_TOLERANCE, strict=True)
    return LinearSegmentedColormap.from_list("error", [*below, *above]).with_extremes(bad=LEFT_OUT)


def _why_empty(a: ArgumentReport) -> str:
    if a.analytic.shape != a.shape:
        return f"its gradient has shape {a.analytic.shape}: there are no entries to compare"
    return "nothing could be compared"


def _say(ax: Axes, words: str) -> None:
    ax.text(0.5, 0.5, words, ha="center", va="center", transform=ax.transAxes, color=INK, fontsize=9)
    ax.set_axis_off()
