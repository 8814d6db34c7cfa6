"""The results as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MS = 1e3  # milliseconds in a second
QUIET = 0.2  # cores at other work; below it, a measurement is not disturbed much


def text_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they must be, the first to the left and the others to the right."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = ["  ".join(f"{cell:{'<' if k == 0 else '>'}{widths[k]}}" for k, cell in enumerate(line)) for line in lines]
    return "\n".join([text[0].rstrip(), "-" * len(text[0]), *(line.rstrip() for line in text[1:])])


def machine(results: dict) -> str:
    """Machine and versions, and a warning if it is busy."""
    about = results["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in about["packages"].items())
    lines = [
        f"{about['processor']}, {about['cores']} cores, {about['system']}; Python {about['python']}, {packages}",
        f"matrix product: {', '.join(about['blas']) or 'unknown'}",
        *(f"{name}: {number}" for name, number in results["peers"].items()),
    ]
    if (about["busy"] or 0) > QUIET:
        cores = f"{about['busy']:.1f} of {about['cores']} cores"
        lines.append(f"WARNING: other work keeps {cores} busy; all numbers will be too high, and not by one factor.")
    return "\n".join(lines)


def networks(rows: Sequence[dict]) -> str:
    """A table for each task: a line for a network, batch and number of threads, a column for a contestant."""
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    parts = []
    for task, title in (("step", "Training step"), ("prediction", "Prediction of a batch")):
        lines: dict[tuple, dict[str, str]] = {}
        for row in rows:
            if row["task"] == task:
                where = (row["network"], str(row["batch"]), str(row["threads"]))
                lines.setdefault(where, {})[row["peer"]] = cell(row)
        body = [[*where, *(cells.get(peer, "-") for peer in peers)] for where, cells in lines.items()]
        if body:
            note = "ms, half the distance of the quartiles, and how many times minicnn's time"
            parts.append(f"{title}: {note}\n" + text_table(["network", "batch", "threads", *peers], body))
    return "\n\n".join(parts)


def cell(row: dict) -> str:
    """One time with its spread and its ratio to minicnn's."""
    seconds = row["seconds"]
    text = f"{MS * seconds['median']:.2f} ±{MS * (seconds['upper'] - seconds['lower']) / 2:.2f}"
    return f"{text} {row['ratio']['median']:5.2f}x" if row["peer"] != "minicnn" and "ratio" in row else text


def goals(rows: Sequence[dict]) -> str:
    """What was wanted beside what was measured."""
    body = [[row["goal"], row["wanted"], row["measured"], row["verdict"]] for row in rows]
    return text_table(["goal", "wanted", "measured", ""], body) if body else ""
