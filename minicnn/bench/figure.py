"""The results as one figure: a panel for each part that was measured.

Every library has one colour and one mark throughout; minicnn's is the darkest. Networks are shown with the largest
number of threads, and parts that look at one network show the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ..atomic_write import atomic_write
from ..plots.style import COLOURS, DPI, FAINT, INK, MARKERS, NORMAL, SMALL, WIDTH
from .peers import PEERS

COLUMNS, PANEL = 2, 2.7  # panels in a row, inches of height
MS, MEGA = 1e3, 1e6
LOOK = {name: {"color": COLOURS[-1 - k], "marker": MARKERS[k]} for k, name in enumerate(PEERS)}


def draw(results: dict, path: str | Path) -> None:
    """Draw the results into a file.

    Parameters
    ----------
    results : dict
        From `minicnn.bench.run`.
    path : str or Path
        Its ending says the format, such as .png or .svg.

    Raises
    ------
    ValueError
        If nothing was measured that can be drawn, or the format is not known.
    """
    path = Path(path)
    picture = figure(results)
    with atomic_write(path) as file:
        picture.savefig(file, format=path.suffix.removeprefix(".") or "png")


def figure(results: dict) -> Figure:
    """The panels in rows of two; see `draw`."""
    panels = _panels(results)
    if not panels:
        raise ValueError("The figure needs results of at least one part, got none.")
    rows = -(-len(panels) // COLUMNS)
    picture = Figure(figsize=(WIDTH, 0.8 + PANEL * rows), layout="constrained", dpi=DPI)
    axes = list(picture.subplots(rows, COLUMNS, squeeze=False).flat)
    for panel, ax in zip(panels, axes, strict=False):
        panel(ax)
        _style(ax)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    handles = dict(pair for ax in axes for pair in zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    picture.legend(handles.values(), handles, loc="outside upper center", ncols=6, frameon=False, fontsize=SMALL)
    about = results["machine"]
    note = f"{about['processor']}, {about['cores']} cores; medians, and the range between the quartiles"
    picture.supxlabel(note, fontsize=SMALL, color=INK)
    return picture


def _panels(results: dict) -> list[Callable[[Axes], None]]:
    """What there is to draw, in order."""
    panels = []
    for task, title in (("step", "training step"), ("prediction", "prediction")):
        rows = [row for row in _most_threads(results.get("networks", [])) if row["task"] == task and "ratio" in row]
        if rows:
            panels.append(partial(_race, rows=rows, title=title))
    for part, panel in (("layers", _layers), ("techniques", _techniques), ("memory", _memory), ("start", _start)):
        rows = _last_network(_most_threads(results.get(part, [])))
        if rows:
            panels.append(partial(panel, rows=rows))
    for axis in ("batch", "side", "threads"):
        rows = [row for row in results.get("growth", []) if row["axis"] == axis]
        if len({row[axis] for row in rows}) > 1:
            panels.append(partial(_growth, rows=rows, axis=axis))
    return panels


def _race(ax: Axes, rows: Sequence[dict], title: str) -> None:
    """A line for each network and batch, on it a mark for each library: how many times minicnn's time it takes."""
    lines = list(dict.fromkeys((row["network"], row["batch"]) for row in rows))
    for row in rows:
        y, times = lines.index((row["network"], row["batch"])), row["ratio"]
        error = [[times["median"] - times["lower"]], [times["upper"] - times["median"]]]
        ax.errorbar(times["median"], y, xerr=error, linestyle="", markersize=5, label=row["peer"], **LOOK[row["peer"]])
    ax.axvline(1, color=LOOK["minicnn"]["color"], linewidth=1)
    ax.set_xscale("log")
    ticks = [t for t in (0.25, 0.5, 1, 2, 4, 8, 16) if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_yticks(range(len(lines)), [f"{network}, {batch}" for network, batch in lines])
    ax.invert_yaxis()
    ax.set(title=f"{title}, {_threads(rows)}", xlabel="times minicnn's time")


def _layers(ax: Axes, rows: Sequence[dict]) -> None:
    """A bar for each layer: its forward and backward; convolutions with their share of the limit."""
    rows = [row for row in rows if row["layer"] not in ("step", "rest")]
    whole = 1 / sum(row["share"] for row in rows) if rows else 1
    for y, row in enumerate(rows):
        forward, backward = ((row[way] or {"median": 0})["median"] * MS for way in ("forward", "backward"))
        ax.barh(y, forward, color=COLOURS[6])
        ax.barh(y, backward, left=forward, color=COLOURS[2])
        if "gflops" in row:
            shares = [f"{100 * row['gflops'][way] / row['limit'][way]:.0f}" for way in ("forward", "backward")]
            ax.annotate(f" {' and '.join(shares)} % of the limit", (forward + backward, y), va="center", fontsize=6)
    ax.set_yticks(range(len(rows)), [row["layer"] for row in rows])
    ax.margins(x=0.35 * whole, y=0.01)
    ax.set_xlim(left=0)
    ax.invert_yaxis()
    ax.set(title=f"{_place(rows)}: forward, then backward", xlabel="ms")


def _techniques(ax: Axes, rows: Sequence[dict]) -> None:
    """A bar for each technique: how much longer a step takes without it."""
    rows = [row for row in rows if row["instead"]]
    longer = [[100 * (row["ratio"][key] - 1) for row in rows] for key in ("median", "lower", "upper")]
    errors = [[m - low for m, low in zip(*longer[:2], strict=True)], [u - m for m, _, u in zip(*longer, strict=True)]]
    ax.barh(range(len(rows)), longer[0], xerr=errors, color=COLOURS[3], ecolor=INK)
    ax.set_yticks(range(len(rows)), [row["technique"] for row in rows])
    ax.invert_yaxis()
    ax.set(title=f"{_place(rows)}: a step without", xlabel="longer by, %")


def _memory(ax: Axes, rows: Sequence[dict]) -> None:
    for peer in dict.fromkeys(row["peer"] for row in rows):
        mine = sorted((row["batch"], row["bytes"] / MEGA) for row in rows if row["peer"] == peer)
        ax.plot(*zip(*mine, strict=True), markersize=5, label=peer, **LOOK[peer])
    ax.set_ylim(bottom=0)
    ax.set(title=f"peak memory of training {rows[0]['network']}", xlabel="batch", ylabel="MB")


def _start(ax: Axes, rows: Sequence[dict]) -> None:
    lines = list(dict.fromkeys(row["what"] for row in rows))
    for row in rows:
        y = lines.index(row["what"])
        ax.plot(row["seconds"]["median"], y, linestyle="", markersize=5, label=row["peer"], **LOOK[row["peer"]])
    ax.set_yticks(range(len(lines)), [line.replace(", ", ",\n") for line in lines])
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.margins(y=0.3)
    ax.invert_yaxis()
    ax.set(title="from nothing, in a fresh process", xlabel="seconds")


def _growth(ax: Axes, rows: Sequence[dict], axis: str) -> None:
    for peer in dict.fromkeys(row["peer"] for row in rows):
        mine = sorted((row[axis], row["per_image"] * MS) for row in rows if row["peer"] == peer)
        ax.plot(*zip(*mine, strict=True), markersize=5, label=peer, **LOOK[peer])
    values = sorted({row[axis] for row in rows})
    if axis != "threads":
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xticks(values, [f"{value}" for value in values])
    unit = {"batch": "batch", "side": "image side, pixels", "threads": "threads"}[axis]
    ax.set(title=f"training step of {rows[0]['network']}", xlabel=unit, ylabel="ms per image")


def _style(ax: Axes) -> None:
    """Words in one size and colour, and nothing drawn that is not needed."""
    ax.set_title(ax.get_title(), fontsize=NORMAL, color=INK, loc="left")
    ax.set_title("")
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(fontsize=SMALL, color=INK)
    ax.tick_params(which="both", labelsize=SMALL - 1, color=FAINT, labelcolor=INK)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(FAINT)


def _most_threads(rows: Sequence[dict]) -> list[dict]:
    most = max((row["threads"] for row in rows), default=0)
    return [row for row in rows if row["threads"] == most]


def _last_network(rows: Sequence[dict]) -> list[dict]:
    return [row for row in rows if row.get("network") == rows[-1].get("network")]


def _threads(rows: Sequence[dict]) -> str:
    return f"{rows[0]['threads']} thread{'s' if rows[0]['threads'] > 1 else ''}"


def _place(rows: Sequence[dict]) -> str:
    return f"{rows[0]['network']}, batch {rows[0]['batch']}, {_threads(rows)}"
