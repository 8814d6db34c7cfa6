"""What many rows say together: how many times as fast minicnn is, at worst and in the geometric mean.

PyTorch's better memory format is chosen anew for each row: what counts is the quicker of its two times there.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import geometric_mean

BETTER = "pytorch, better format"
FORMATS = ("pytorch", "pytorch-channels-last")


def where(row: dict) -> tuple:
    """What has to agree for two contestants to be compared."""
    return row["network"], row["batch"], row["threads"], row["task"]


def with_better_format(rows: Sequence[dict]) -> list[dict]:
    """The rows, and for each network, batch, threads and task one more, under the name `BETTER`."""
    best: dict[tuple, dict] = {}
    for row in rows:
        if row["peer"] in FORMATS:
            other = best.get(where(row), row)
            best[where(row)] = min(row, other, key=lambda r: r["seconds"]["median"])
    return [*rows, *(row | {"peer": BETTER} for row in best.values())]


def means(rows: Sequence[dict]) -> list[dict]:
    """How many times as fast minicnn is as each peer: geometric mean over networks and batches.

    Parameters
    ----------
    rows : sequence of dict
        From `race`, with ratios.

    Returns
    -------
    means : list of dict
        "task", "threads", "peer", "mean", "least" (the row in which minicnn did worst), "rows" (how many there were).
    """
    groups: dict[tuple, list[float]] = {}
    for row in with_better_format(rows):
        if row["peer"] != "minicnn" and "ratio" in row:
            groups.setdefault((row["task"], row["threads"], row["peer"]), []).append(row["ratio"]["median"])
    return [
        {
            "task": task,
            "threads": threads,
            "peer": peer,
            "mean": geometric_mean(ratios),
            "least": min(ratios),
            "rows": len(ratios),
        }
        for (task, threads, peer), ratios in sorted(
            groups.items(), key=lambda group: (group[0][0] != "step", group[0][1])
        )
    ]
