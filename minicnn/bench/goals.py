"""What was wanted before the first line was made fast, beside what was measured.

The goals are for a laptop's two cores, against PyTorch at the same number of threads. A goal whose part was not
measured is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .options import AUGMENT
from .start import EMPTY, IMPORT, WARM
from .summary import BETTER, FORMATS, means, with_better_format

FEWEST_FILTERS = 64  # from which on a convolution should come near its limit
MEGA = 1e6


@dataclass(frozen=True)
class Goal:
    """One goal.

    Attributes
    ----------
    name : str
    wanted : float
    measured : function of the results
        Returns the number to compare and a remark, or None where it was not measured.
    at_least : bool
        Whether more is better.
    unit : str
    """

    name: str
    wanted: float
    measured: Callable[[dict], tuple[float, str] | None]
    at_least: bool = True
    unit: str = "x"


def compare(results: dict) -> list[dict]:
    """Hold results against the goals.

    Returns
    -------
    rows : list of dict
        "goal", "wanted" and "measured" as text, "value", "met".
    """
    rows = []
    for goal in GOALS:
        found = goal.measured(results)
        if found is not None:
            value, remark = found
            rows.append(
                {
                    "goal": goal.name,
                    "wanted": f"{'at least' if goal.at_least else 'at most'} {goal.wanted:g} {goal.unit}",
                    "measured": f"{value:.2f} {goal.unit}{f' ({remark})' if remark else ''}",
                    "value": value,
                    "met": value >= goal.wanted if goal.at_least else value <= goal.wanted,
                }
            )
    return rows


def _mean(peer: str) -> Callable[[dict], tuple[float, str] | None]:
    """The geometric mean over networks and batches, at the number of threads where it is least."""

    def measured(results: dict) -> tuple[float, str] | None:
        found = [m for m in means(results.get("networks", [])) if m["task"] == "step" and m["peer"] == peer]
        if not found:
            return None
        text = ", ".join(f"{m['mean']:.2f} with {_threads(m['threads'])}" for m in found)
        return min(m["mean"] for m in found), text

    return measured


def _worst(task: str, peer: str) -> Callable[[dict], tuple[float, str] | None]:
    """The row in which minicnn did worst."""

    def measured(results: dict) -> tuple[float, str] | None:
        rows = with_better_format(results.get("networks", []))
        rows = [row for row in rows if row["task"] == task and row["peer"] == peer and "ratio" in row]
        if not rows:
            return None
        worst = min(rows, key=lambda row: row["ratio"]["median"])
        where = f"{worst['network']}, batch {worst['batch']}, {_threads(worst['threads'])}"
        return worst["ratio"]["median"], where

    return measured


def _of_limit(results: dict) -> tuple[float, str] | None:
    """The slowest convolution of many filters, in per cent of the matrix product's speed."""
    found = [
        (
            100 * row["gflops"][way] / row["limit"][way],
            f"{row['network']}, {row['layer']} {way}, {_threads(row['threads'])}",
        )
        for row in results.get("layers", [])
        if row.get("filters", 0) >= FEWEST_FILTERS
        for way in ("forward", "backward")
    ]
    return min(found) if found else None


def _scaling(results: dict) -> tuple[float, str] | None:
    """How many times as fast two threads are as one, at the lesson's network and batch 64."""
    seconds = {
        row["threads"]: row["seconds"]["median"]
        for row in results.get("networks", [])
        if (row["peer"], row["network"], row["batch"], row["task"]) == ("minicnn", "lesson", 64, "step")
    }
    return (seconds[1] / seconds[2], "") if {1, 2} <= set(seconds) else None


def _memory(results: dict) -> tuple[float, str] | None:
    """minicnn's peak in parts of PyTorch's lower one, at the lesson's network and batch 128."""
    rows = [row for row in results.get("memory", []) if (row["network"], row["batch"]) == ("lesson", 128)]
    peaks = {row["peer"]: row["bytes"] for row in rows}
    others = [peaks[peer] for peer in FORMATS if peer in peaks]
    if "minicnn" not in peaks or not others:
        return None
    return peaks["minicnn"] / min(others), f"{peaks['minicnn'] / MEGA:.0f} and {min(others) / MEGA:.0f} MB"


def _augmentation(results: dict) -> tuple[float, str] | None:
    """What augmentation adds to a step of the lesson's network, in per cent."""
    rows = [row for row in results.get("options", []) if (row["network"], row["option"]) == ("lesson", AUGMENT)]
    if not rows:
        return None
    return 100 * (rows[0]["ratio"]["median"] - 1), f"batch {rows[0]['batch']}, {_threads(rows[0]['threads'])}"


def _seconds(what: str) -> Callable[[dict], tuple[float, str] | None]:
    def measured(results: dict) -> tuple[float, str] | None:
        rows = [row for row in results.get("start", []) if (row["what"], row["peer"]) == (what, "minicnn")]
        return (rows[0]["seconds"]["median"], "") if rows else None

    return measured


def _threads(number: int) -> str:
    return f"{number} thread{'s' if number > 1 else ''}"


GOALS = (
    Goal("step: as fast as PyTorch's better format, mean", 1.5, _mean(BETTER)),
    Goal("step: as fast as PyTorch's default, mean", 1.7, _mean("pytorch")),
    Goal("step: PyTorch's better format, worst row", 1, _worst("step", BETTER)),
    Goal("step: PyTorch tuned, worst row", 1, _worst("step", "pytorch-tuned")),
    Goal("prediction: PyTorch's better format, worst row", 1, _worst("prediction", BETTER)),
    Goal("convolutions of 64 filters and more: of the limit", 75, _of_limit, unit="%"),
    Goal("two threads over one, lesson, batch 64", 1.7, _scaling),
    Goal("peak memory over PyTorch's, lesson, batch 128", 1, _memory, at_least=False),
    Goal("augmentation adds to a step, lesson", 10, _augmentation, at_least=False, unit="%"),
    Goal("import", 0.2, _seconds(IMPORT), at_least=False, unit="s"),
    Goal("first step, warm kernel cache", 1, _seconds(WARM), at_least=False, unit="s"),
    Goal("first step, empty kernel cache", 12, _seconds(EMPTY), at_least=False, unit="s"),
)
