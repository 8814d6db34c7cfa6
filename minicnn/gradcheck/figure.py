"""The figure of a report: which dots are off the line, and where in the array they sit."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure

from .report import ArgumentReport, Report

RIGHT, WRONG, LINE, LEFT_OUT = "#33658a", "#d1495b", "#999999", "#e0e0e0"
BELOW_TOLERANCE = ("#f4f8fb", "#a9c6de", RIGHT)
ABOVE_TOLERANCE = ("#f2b134", WRONG, "#6b1220")
FAINTEST = 1e-4  # of the tolerance: smaller errors look like none
WIDTH, ROW_HEIGHT, TITLE_HEIGHT = 9.0, 3.1, 0.6  # inches


def draw(report: Report) -> Figure:
    """One row an argument: analytic against numeric gradient, and a map of the relative error."""
    rows = max(1, len(report.arguments))
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * rows + TITLE_HEIGHT), layout="constrained", dpi=110)
    codes = ", ".join(dict.fromkeys(f.code for f in report.findings if f.is_error))
    verdict = "passed" if report.passed else f"FAILED ({codes})" if codes else "FAILED"
    figure.suptitle(f"Gradient check of {report.title}: {verdict}", fontsize=11, wrap=True)
    axes = figure.subplots(rows, 2, squeeze=False, width_ratios=(1, 1.3))
    for argument, (left, right) in zip(report.arguments, axes, strict=True):
        if argument.compared:
            _scatter(left, argument)
            _error_map(right, argument)
        else:
            _say_why_empty(left, argument)
            right.set_axis_off()
    return figure


def _scatter(ax: Axes, a: ArgumentReport) -> None:
    """Analytic against numeric, with the line where both are equal."""
    shown = ~np.isnan(a.relative_error) & np.isfinite(a.analytic)
    numeric, analytic, wrong = a.numeric[shown], a.analytic[shown].astype(np.float64), a.wrong[shown]
    both = np.concatenate([numeric, analytic, [0.0]])
    margin = 0.06 * float(np.ptp(both)) or 1.0
    ends = (both.min() - margin, both.max() + margin)
    ax.plot(ends, ends, color=LINE, linewidth=1, zorder=1, label="equal")
    for chosen, colour, label in ((~wrong, RIGHT, "right"), (wrong, WRONG, "wrong")):
        if chosen.any():
            dots = f"{label} ({np.count_nonzero(chosen):,})"
            ax.scatter(numeric[chosen], analytic[chosen], s=14, color=colour, label=dots, zorder=2)
    ax.set(xlim=ends, ylim=ends, xlabel="numeric", ylabel="analytic", title=f"{a.name}: gradient")
    ax.ticklabel_format(style="sci", scilimits=(-3, 4))
    ax.legend(fontsize=8, frameon=False, loc="upper left")


def _error_map(ax: Axes, a: ArgumentReport) -> None:
    """Relative error of each entry; one row for each position on the axes before the last."""
    table = a.relative_error.reshape(-1, a.shape[-1] if a.shape else 1)
    norm = LogNorm(FAINTEST * a.tolerance, max(1.0, 10 * a.tolerance), clip=True)
    errors = np.ma.masked_invalid(np.clip(table, norm.vmin, norm.vmax))
    colours = _colours(float(norm(a.tolerance)))
    image = ax.imshow(errors, cmap=colours, norm=norm, aspect="auto", interpolation="nearest")
    bar = ax.figure.colorbar(image, ax=ax, label="relative error", pad=0.09)
    bar.ax.annotate(
        "tolerance", (0, a.tolerance), (-3, 0), textcoords="offset points", ha="right", va="center", fontsize=7
    )
    ax.set_title(f"{a.name} {a.shape}: error" + (" (grey: left out)" if np.ma.is_masked(errors) else ""))
    last = len(a.shape) - 1
    ax.set_xlabel(f"axis {last}" if a.shape else "")
    ax.set_ylabel("" if last < 1 else "axis 0" if last == 1 else f"axes 0 to {last - 1}, flattened")
    for axis, count in ((ax.xaxis, table.shape[1]), (ax.yaxis, table.shape[0])):
        if count == 1:
            axis.set_ticks([])
        else:
            axis.get_major_locator().set_params(integer=True)


def _colours(tolerance: float) -> LinearSegmentedColormap:
    """Blues up to the tolerance (a position between 0 and 1), fire colours from there on."""
    below = zip(np.linspace(0, tolerance, len(BELOW_TOLERANCE)), BELOW_TOLERANCE, strict=True)
    above = zip(np.linspace(tolerance, 1, len(ABOVE_TOLERANCE)), ABOVE_TOLERANCE, strict=True)
    return LinearSegmentedColormap.from_list("error", [*below, *above]).with_extremes(bad=LEFT_OUT)


def _say_why_empty(ax: Axes, a: ArgumentReport) -> None:
    why = "nothing could be compared"
    if a.analytic.shape != a.shape:
        why = f"its gradient has shape {a.analytic.shape},\nthere are no entries to compare"
    ax.text(0.5, 0.5, f"{a.name} {a.shape}:\n{why}", ha="center", va="center", transform=ax.transAxes)
    ax.set_axis_off()
