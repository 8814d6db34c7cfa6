"""A report as text for a terminal: the arguments, the worst entries, what was found, what to try next."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .report import ArgumentReport, Finding, Report

WIDTH = 88  # columns

NEXT = {
    "wrong-shape": "Give each gradient the shape of its variable first; numbers come after.",
    "not-repeatable": "Make forward a function of its arguments. Let randomness come in as one of them, a generator, "
    "or name the generator: check(..., rng=rng).",
    "backward-not-repeatable": "Let backward start from zeros and leave the cache as it is, then check again.",
    "argument-modified": "Work on a copy, or write `a = a + b` in place of `a += b`.",
    "non-finite": "Print the values on the way and find the first that is not finite: 1 / 0, log(0), sqrt(0)?",
    "low-precision": "Let the arrays keep their dtype: a check needs float64 from end to end.",
    "zero-gradient": "See that the gradient is computed, added up and returned, and not only initialized.",
    "upstream-ignored": "Begin backward with dy: by the chain rule, dy multiplies every term once.",
    "unrecognized": "Check a smaller case (one example, one channel) by hand, and each intermediate value by itself.",
    "not-differentiable-here": "To check the entries on kinks too, move them off, e.g. with random values.",
}


def render(report: Report) -> str:
    """Write the whole report."""
    verdict = "passed" if report.passed else "FAILED"
    blocks = [f"Gradient check of {report.title}: {verdict}", _arguments(report.arguments)]
    blocks += [_worst_entries(a) for a in report.arguments if a.wrong.any()]
    blocks.append("\n".join(_wrapped(note) for note in _notes(report)))
    if report.findings:
        blocks.append("\n".join(["What was found", *map(_finding, report.findings)]))
        steps = dict.fromkeys(NEXT[f.code] for f in report.findings if f.code in NEXT)
        blocks.append("\n".join(["What to try next", *(_wrapped(step, "  ") for step in steps)]))
    return "\n\n".join(block for block in blocks if block)


def _arguments(arguments: list[ArgumentReport]) -> str:
    """One line an argument; `largest` is the gradient's largest entry as measured, `+-` the typical uncertainty."""
    rows = [("argument", "shape", "compared", "largest", "+-", "relative error", "")]
    for a in arguments:
        verdict = "WRONG" if not a.passed else "ok" if a.compared else "not compared"
        known = ~np.isnan(a.numeric)
        numbers = ["-", "-", "-"]
        if known.any():
            numbers[:2] = [f"{np.abs(a.numeric[known]).max():.2g}", f"{np.median(a.uncertainty[known]):.0e}"]
        if a.compared:
            numbers[2] = f"{a.max_relative_error:.1e}"
        rows.append((a.name, str(a.shape), f"{a.compared:,}/{a.numeric.size:,}", *numbers, verdict))
    return _aligned(rows, "<<>>>><")


def _worst_entries(a: ArgumentReport) -> str:
    rows = [("index", "analytic", "numeric", "+-", "relative error")]
    rows += [
        (
            str(i),
            f"{a.analytic[i] + 0:.9g}",
            f"{a.numeric[i] + 0:.9g}",
            f"{a.uncertainty[i]:.0e}",
            f"{a.relative_error[i]:.1e}",
        )
        for i in a.worst()
    ]
    heading = f"Worst entries of {a.name} ({np.count_nonzero(a.wrong):,} of {a.compared:,} are wrong)"
    return f"{heading}\n{_aligned(rows, '<>>>>')}"


def _notes(report: Report) -> list[str]:
    """What was and what was not looked at."""
    notes = []
    sampled = [
        f"{a.compared:,} of {a.numeric.size:,} entries of {a.name}"
        for a in report.arguments
        if 0 < a.compared < a.numeric.size - np.count_nonzero(a.kinks)
    ]
    if sampled:
        notes.append(
            f"Not every entry was looked at, but a random choice (seed {report.seed}): {', '.join(sampled)}. "
            "For more, raise max_evaluations."
        )
    if report.unchecked:
        notes.append(f"Not checked, since backward gave no gradient for it: {', '.join(report.unchecked)}.")
    return notes


def _finding(finding: Finding) -> str:
    about = f"{finding.code}, {finding.argument}" if finding.argument else finding.code
    return _wrapped(f"{about}: {finding.message}", "  ")


def _aligned(rows: list[tuple[str, ...]], sides: str) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)) for row in rows
    ]
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _wrapped(text: str, indent: str = "") -> str:
    hanging = indent + "    " if indent else ""
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=hanging, break_long_words=False)
