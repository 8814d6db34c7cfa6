"""The results as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .summary import means

MS = 1e3  # milliseconds in a second
MEGA = 1e6  # bytes in a megabyte
WAYS = ("forward", "backward")
QUIET = 0.2  # cores at other work; below it, a measurement is not disturbed much


def text_table(header: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """Columns as wide as they must be, the first `words` of them to the left and the others, numbers, to the right."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = [
        "  ".join(f"{cell:{'<' if k < words else '>'}{widths[k]}}" for k, cell in enumerate(line)) for line in lines
    ]
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
    return "\n".join([*lines, *_warning(about)])


def _warning(about: dict) -> list[str]:
    """A line if other work was running when the machine was looked at."""
    busy = max(about["busy"] or 0, about.get("busy_afterwards") or 0)
    if busy <= QUIET:
        return []
    cores = f"{busy:.1f} of {about['cores']} cores"
    return [
        f"WARNING: other work keeps {cores} busy: no number counts. PyTorch's suffer most, so minicnn looks better."
    ]


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
    return "\n\n".join([*parts, *_means(rows)])


def _means(rows: Sequence[dict]) -> list[str]:
    """How many times as fast minicnn is, over all networks and batches."""
    body = [
        [m["task"], f"{m['threads']}", m["peer"], f"{m['mean']:.2f}", f"{m['least']:.2f}", f"{m['rows']}"]
        for m in means(rows)
    ]
    header = ["", "threads", "minicnn is as fast as", "mean", "least", "rows"]
    return [f"How many times, geometric mean and least over networks and batches\n{text_table(header, body)}"] * bool(
        body
    )


def cell(row: dict) -> str:
    """One time with its spread and its ratio to minicnn's."""
    seconds = row["seconds"]
    text = f"{MS * seconds['median']:.2f} ±{MS * (seconds['upper'] - seconds['lower']) / 2:.2f}"
    return f"{text} {_times(row):>6}" if row["peer"] != "minicnn" and "ratio" in row else text


def layers(rows: Sequence[dict]) -> str:
    """A line for each layer: forward, backward, share of the step; for convolutions their speed beside the limit."""
    header = ["layer", "forward ms", "backward ms", "share", "GFLOP/s forward", "of limit", "backward", "of limit"]
    parts = []
    for place, group in _grouped(rows, "network", "batch", "threads"):
        body = []
        for row in group:
            times = [f"{MS * row[way]['median']:.2f}" if row[way] else "" for way in WAYS]
            line = [f"{row['layer']}  {row['what']}", *times, f"{100 * row['share']:.1f} %"]
            if "gflops" in row:
                for way in WAYS:
                    line += [f"{row['gflops'][way]:.1f}", f"{100 * row['gflops'][way] / row['limit'][way]:.0f} %"]
            body.append(line + [""] * (len(header) - len(line)))
        parts.append(f"Layers of {_place(*place)}\n{text_table(header, body)}")
    return "\n\n".join(parts)


def start(rows: Sequence[dict]) -> str:
    """A line for each contestant and beginning."""
    body = [
        [row["what"], row["peer"], f"{row['seconds']['median']:.2f} s", _times(row) if "ratio" in row else ""]
        for row in sorted(rows, key=lambda row: row["what"])
    ]
    return "From nothing, in a fresh process\n" + text_table(["what", "", "time", "of minicnn's"], body, words=2)


def memory(rows: Sequence[dict]) -> str:
    """A line for each network and contestant: the peak at each batch size, and the growth for each image."""
    batches = sorted({row["batch"] for row in rows})
    body = []
    for (network, peer), group in _grouped(rows, "network", "peer"):
        peaks = {row["batch"]: row["bytes"] / MEGA for row in group}
        first, last = min(peaks), max(peaks)
        growth = f"{(peaks[last] - peaks[first]) / (last - first):.2f}" if last > first else ""
        body.append([network, peer, *(f"{peaks[b]:.0f}" if b in peaks else "-" for b in batches), growth])
    header = ["network", "", *(f"batch {batch}" for batch in batches), "for each more image"]
    return "Peak memory of a training run, MB\n" + text_table(header, body, words=2)


def growth(rows: Sequence[dict]) -> str:
    """For each axis a line for each value, with the time per image of every contestant."""
    parts = []
    for (axis, network), group in _grouped(rows, "axis", "network"):
        peers = list(dict.fromkeys(row["peer"] for row in group))
        lines: dict[int, dict[str, str]] = {}
        for row in group:
            lines.setdefault(row[axis], {})[row["peer"]] = f"{MS * row['per_image']:.3f}"
        body = [[f"{value}", *(cells.get(peer, "-") for peer in peers)] for value, cells in lines.items()]
        parts.append(f"Training step of {network}, ms per image, over {axis}\n{text_table([axis, *peers], body)}")
    return "\n\n".join(parts)


def techniques(rows: Sequence[dict]) -> str:
    """A line for each technique: the step without it, and what it gains."""
    parts = []
    for place, group in _grouped(rows, "network", "batch", "threads"):
        body = [
            [
                row["technique"],
                row["instead"],
                f"{MS * row['seconds']['median']:.2f}",
                f"{100 * (row['ratio']['median'] - 1):+.0f} %" if row["instead"] else "",
                f"{100 * (row['ratio']['lower'] - 1):+.0f} to {100 * (row['ratio']['upper'] - 1):+.0f}"
                if row["instead"]
                else "",
            ]
            for row in group
        ]
        header = ["technique", "instead", "ms without", "longer by", "quartiles"]
        parts.append(
            f"Training step of {_place(*place)}, each technique switched off\n{text_table(header, body, words=2)}"
        )
    return "\n\n".join(parts)


def options(rows: Sequence[dict]) -> str:
    """A line for each option: the step with it, and what it adds."""
    parts = []
    for place, group in _grouped(rows, "network", "batch", "threads"):
        body = []
        for row in group:
            line = [row["option"], row["what"], f"{MS * row['seconds']['median']:.2f}", "", ""]
            if row["what"]:
                added = {name: 100 * (times - 1) for name, times in row["ratio"].items()}
                line[3:] = f"{added['median']:+.1f} %", f"{added['lower']:+.1f} to {added['upper']:+.1f}"
            body.append(line)
        header = ["option", "what it does", "ms with it", "adds", "quartiles"]
        parts.append(f"Training step of {_place(*place)}, with options of fit\n{text_table(header, body, words=2)}")
    return "\n\n".join(parts)


def goals(results: dict) -> str:
    """What was wanted beside what was measured, and a warning if the machine was busy."""
    rows = [[row["goal"], row["wanted"], row["measured"], "yes" if row["met"] else "NO"] for row in results["goals"]]
    text = [text_table(["goal", "wanted", "measured", "met"], rows, words=4)] * bool(rows)
    return "\n".join([*text, *_warning(results["machine"])])


def _times(row: dict) -> str:
    return f"{row['ratio']['median']:.2f}x"


def _place(network: str, batch: int, threads: int) -> str:
    return f"{network}, batch {batch}, {threads} thread{'s' if threads > 1 else ''}"


def _grouped(rows: Sequence[dict], *keys: str) -> list[tuple[tuple, list[dict]]]:
    """The rows that agree in the keys, together."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return list(groups.items())
