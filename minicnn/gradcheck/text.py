"""A report as text for a terminal: the arguments, the worst entries, what was found, what to try next."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .advice import ADVICE, TRACE
from .colour import BOLD, FAINT, GREEN, RED, YELLOW, Paint

if TYPE_CHECKING:
    from .report import ArgumentReport, Finding, Report

WIDTH = 88  # columns
MOST_TABLES = 3  # of worst entries: one an argument
INDENT, HANGING, ELLIPSIS = "  ", "      ", "..."
EVIDENCE_ITEMS = 6  # on one line
SAID_ELSEWHERE = {"residual", "also_possible", "layer"}  # of the evidence
TINY = 1e-3  # numbers below are shown by their size
EXACT = np.finfo(np.float64).eps  # relative

Row = tuple[str, ...]


def render(report: Report, colour: bool = False) -> str:
    """Write the whole report.

    Parameters
    ----------
    report : Report
    colour : bool
        Whether to put in ANSI codes.

    Returns
    -------
    str
        Lines of at most 88 columns.
    """
    paint = Paint(colour)
    blocks = [heading(f"Gradient check of {report.title}", report.passed, paint)]
    blocks.append(arguments_table(report.arguments, paint))
    wrong = [a for a in report.arguments if a.wrong.any()]
    blocks += [worst_entries(a, paint) for a in wrong[:MOST_TABLES]]
    blocks.append("\n".join(wrapped(note) for note in notes(report, [a.name for a in wrong[MOST_TABLES:]])))
    blocks += findings_text(report.findings, paint)
    return "\n\n".join(block for block in blocks if block)


def findings_text(findings: list[Finding], paint: Paint, traced: bool = False) -> list[str]:
    """What was found and what to try next, a block each."""
    if not findings:
        return []
    found = [paint("What was found", BOLD), *(_finding(f, paint) for f in merged(findings))]
    steps = [paint("What to try next", BOLD), *(wrapped(step, INDENT) for step in next_steps(findings, traced))]
    return ["\n".join(found), "\n".join(steps) if len(steps) > 1 else ""]


def heading(title: str, passed: bool, paint: Paint) -> str:
    """What was checked, and the verdict."""
    verdict = "passed" if passed else "FAILED"
    words = wrapped(f"{title}: {verdict}").removesuffix(verdict)
    return paint(words, BOLD) + paint(verdict, BOLD, GREEN if passed else RED)


def argument_rows(arguments: list[ArgumentReport]) -> list[Row]:
    """One row an argument; `largest` is the gradient's largest entry as measured, `+-` the typical uncertainty."""
    rows = [("argument", "shape", "compared", "largest", "+-", "relative error", "")]
    for a in arguments:
        verdict = "WRONG" if not a.passed else "ok" if a.compared else "not compared"
        known = ~np.isnan(a.numeric)
        numbers = ["-", "-", "-"]
        if known.any():
            numbers[:2] = [f"{np.abs(a.numeric[known]).max():.2g}", f"{np.median(a.uncertainty[known]):.0e}"]
        if a.compared:
            numbers[2] = f"{a.max_relative_error:.1e}"
        rows.append((a.name, shape_text(a.shape), f"{a.compared:,}/{a.numeric.size:,}", *numbers, verdict))
    return rows


def worst_rows(a: ArgumentReport) -> list[Row]:
    """One row for each of the entries that are furthest off."""
    rows = [("index", "analytic", "numeric", "+-", "relative error")]
    return rows + [
        (
            str(i if len(i) != 1 else i[0]),
            f"{a.analytic[i] + 0:.9g}",
            f"{a.numeric[i] + 0:.9g}",
            f"{a.uncertainty[i]:.0e}",
            f"{a.relative_error[i]:.1e}",
        )
        for i in a.worst()
    ]


def worst_heading(a: ArgumentReport) -> str:
    """Say how many are wrong."""
    return f"Worst entries of {a.name} ({np.count_nonzero(a.wrong):,} of {a.compared:,} are wrong)"


def notes(report: Report, not_shown: list[str] = ()) -> list[str]:
    """What was and what was not looked at."""
    found = []
    if not_shown:
        found.append(f"Wrong too: {', '.join(not_shown)}.")
    sampled = [
        f"{a.compared:,} of {a.numeric.size:,} entries of {a.name}"
        for a in report.arguments
        if 0 < a.compared < a.numeric.size - np.count_nonzero(a.kinks)
    ]
    if sampled:
        found.append(
            f"Not every entry was looked at, but a random choice (seed {report.seed}): {', '.join(sampled)}. "
            "For more, raise max_evaluations."
        )
    along = [f"{a.directions} through {a.name}" for a in report.arguments if a.directions]
    if along:
        found.append(f"Beside them, random directions through all entries at once were looked at: {', '.join(along)}.")
    spoiled = [
        a.name for a in report.arguments if not a.passed and not any(f.argument == a.name for f in report.findings)
    ]
    if spoiled and report.findings:
        found.append(f"Mend first what was found: {', '.join(spoiled)} may be wrong only because of it.")
    if report.unchecked:
        found.append(f"Not checked, since backward gave no gradient for it: {', '.join(report.unchecked)}.")
    return found


def evidence_line(finding: Finding, width: int = WIDTH - len(HANGING)) -> str:
    """The numbers behind an explanation that its message does not hold, in one short line; empty for other findings."""
    if "residual" not in finding.evidence:
        return ""
    residual = finding.evidence["residual"]
    last = [f"explains it to {residual:.0e}" if residual > EXACT else "explains it exactly"]
    others = finding.evidence.get("also_possible")
    if others:
        last.append(f"also possible: {', '.join(others)}")
    items = []
    for key, value in finding.evidence.items():
        text = _evidence_value(value)
        said = key in SAID_ELSEWHERE or text in finding.message
        if text and not said and len(items) < EVIDENCE_ITEMS:
            candidate = [*items, f"{key.replace('_', ' ')} {text}", *last]
            if len("; ".join(candidate)) <= width:
                items.append(candidate[len(items)])
    return "; ".join([*items, *last])


def merged(findings: list[Finding]) -> list[Finding]:
    """Those that say the same of several arguments as one, with the largest of their residuals."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.message), []).append(finding)
    return [_as_one(group) if len(group) > 1 else group[0] for group in groups.values()]


def _as_one(group: list[Finding]) -> Finding:
    names = ", ".join(dict.fromkeys(f.argument for f in group if f.argument))
    residuals = [f.evidence["residual"] for f in group if "residual" in f.evidence]
    evidence = {**group[0].evidence, **({"residual": max(residuals)} if residuals else {})}
    return replace(group[0], argument=names or None, evidence=evidence)


def next_steps(findings: list[Finding], traced: bool = False) -> list[str]:
    """The advice for each code, once; to trace what nobody recognizes, unless that is how it was found."""
    steps = list(dict.fromkeys(ADVICE[f.code] for f in findings if f.code in ADVICE))
    return steps + [TRACE] if not traced and any(f.code == "unrecognized" for f in findings) else steps


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape for a table; a number has none."""
    return str(shape) if shape else "number"


def arguments_table(arguments: list[ArgumentReport], paint: Paint) -> str:
    """The rows of `argument_rows`, aligned."""
    lines = aligned(argument_rows(arguments), "<<>>>><").split("\n")
    colours = {"WRONG": (RED,), "ok": (GREEN,), "not compared": (YELLOW,)}
    painted = [paint(lines[0], FAINT)]
    for line in lines[1:]:
        verdict = next(v for v in colours if line.endswith(v))
        painted.append(line.removesuffix(verdict) + paint(verdict, *colours[verdict]))
    return "\n".join(painted)


def aligned(rows: list[Row], sides: str, shorten: int = 0) -> str:
    """A table in columns; `sides` has "<" or ">" for each. Should it be too wide, cells of column `shorten` are cut."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    too_wide = len(INDENT) + sum(widths) + 2 * (len(widths) - 1) - WIDTH
    if too_wide > 0:
        widths[shorten] = max(len(ELLIPSIS) + 1, widths[shorten] - too_wide)
        rows = [(*row[:shorten], _cut(row[shorten], widths[shorten]), *row[shorten + 1 :]) for row in rows]
    lines = [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)) for row in rows
    ]
    return "\n".join(f"{INDENT}{line}".rstrip() for line in lines)


def wrapped(text: str, indent: str = "", hanging: str | None = None) -> str:
    """A paragraph of at most 88 columns; indented ones hang by default, so that each can be seen to begin."""
    if hanging is None:
        hanging = HANGING if indent else ""
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=hanging, break_on_hyphens=False)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - len(ELLIPSIS)] + ELLIPSIS


def worst_entries(a: ArgumentReport, paint: Paint) -> str:
    """The rows of `worst_rows`, aligned, under their heading."""
    header, *rows = aligned(worst_rows(a), "<>>>>").split("\n")
    return "\n".join([paint(wrapped(worst_heading(a)), BOLD), paint(header, FAINT), *rows])


def _finding(finding: Finding, paint: Paint) -> str:
    about = f"{finding.code}, {finding.argument}" if finding.argument else finding.code
    text = wrapped(f"{about}: {finding.message}", INDENT)
    head, rest = text[: len(INDENT + about)], text[len(INDENT + about) :]
    if head == INDENT + about:  # a long name may have been broken into lines: then it stays as it is
        text = INDENT + paint(about, BOLD, RED if finding.is_error else YELLOW) + rest
    evidence = evidence_line(finding)
    return f"{text}\n{paint(wrapped(evidence, HANGING, HANGING), FAINT)}" if evidence else text


def _evidence_value(value: object) -> str:
    """A scalar or a text as a few characters; nothing for lists and the like."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}" if abs(value) >= TINY else f"{value:.0e}"
    return value if isinstance(value, str) else ""
