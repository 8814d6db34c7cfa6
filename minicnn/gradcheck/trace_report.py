"""What a trace found: each gradient in the order of the backward pass, and the first wrong one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from . import colour
from .colour import BOLD, FAINT, GREEN, RED, YELLOW, Paint
from .html import findings_html, page, table
from .report import ArgumentReport, Finding, GradientError, Report
from .text import Row, aligned, findings_text, heading, shape_text, worst_entries, wrapped

COLOURS = {
    **{"FIRST WRONG": (BOLD, RED), "WRONG TOO": (RED,), "wrong": (YELLOW,), "spoiled": (YELLOW,)},
    **{"right": (GREEN,), "not compared": (YELLOW,)},
}
AFTER_THE_FIRST = {  # what is said of the wrong gradients after the first
    "WRONG TOO": "Wrong by themselves, too: the lines that make the gradients of {names}.",
    "spoiled": "Spoiled by what they are made from, while their own lines are right: {names}.",
    "wrong": "Mend it first: {names} may be wrong only for being made from it.",
}


@dataclass(frozen=True)
class TracedGradient:
    """The gradient of one value.

    Attributes
    ----------
    report : ArgumentReport
        The comparison with the numeric derivative.
    made_from : list of str
        The values whose gradients it is made from; the output among them, where dy itself comes in.
    first : bool
        Whether it is wrong though all it is made from is right.
    line_is_right : bool or None
        Whether a later wrong gradient is wrong only for what it is made from; None if that is not known.
    """

    report: ArgumentReport
    made_from: list[str]
    first: bool
    line_is_right: bool | None = None

    @property
    def name(self) -> str:
        """Of the value."""
        return self.report.name

    @property
    def verdict(self) -> str:
        """A word or two for the table."""
        if self.first:
            return "FIRST WRONG"
        if not self.report.passed:
            return {None: "wrong", True: "spoiled", False: "WRONG TOO"}[self.line_is_right]
        return "right" if self.report.compared else "not compared"


@dataclass(frozen=True, repr=False)
class Trace:
    """Result of `trace`.

    Attributes
    ----------
    title : str
    gradients : list of TracedGradient
        In the order of the backward pass: after those they are made from.
    not_given : list of str
        Values that backward gave no gradient of.
    findings : list of Finding
        About the two functions, then about the first wrong gradients.
    reports : dict of str to Report
        The whole check of each first wrong gradient, e.g. to plot.
    output : str
        What the output is called.

    Examples
    --------
    >>> from minicnn import gradcheck
    >>> steps = {"a": lambda x: x**2, "y": lambda a: 3 * a}
    >>> backward = {"a": lambda d, v: d["y"], "x": lambda d, v: d["a"] * 2 * v["x"]}
    >>> trace = gradcheck.trace(steps, backward, {"x": np.array([0.5, 0.8])}, title="3 x^2")
    >>> trace
    <Trace 3 x^2: FAILED, first wrong: a>
    >>> trace["x"].verdict  # wrong only for what it is made from
    'spoiled'
    """

    title: str
    gradients: list[TracedGradient]
    not_given: list[str]
    findings: list[Finding]
    reports: dict[str, Report]
    output: str = "y"

    @property
    def passed(self) -> bool:
        """Whether every gradient is right and the two functions behaved."""
        return all(g.report.passed for g in self.gradients) and not any(f.is_error for f in self.findings)

    @property
    def first_wrong(self) -> str | None:
        """The value whose gradient is the first wrong one, None if there is none; `reports` has others."""
        return next(iter(self.reports), None)

    def __getitem__(self, name: str) -> TracedGradient:
        """The gradient of the value with this name."""
        for gradient in self.gradients:
            if gradient.name == name:
                return gradient
        raise KeyError(f"no gradient of {name!r} in this trace; it has {', '.join(g.name for g in self.gradients)}")

    def __repr__(self) -> str:
        """One line; `print` shows the rest."""
        result = "passed" if self.passed else "FAILED"
        first = f", first wrong: {', '.join(self.reports)}" if self.reports else ""
        return f"<{type(self).__name__} {self.title}: {result}{first}>"

    def __str__(self) -> str:
        """The trace for a terminal: in colour if that is where standard output goes."""
        return self.to_text(colour=colour.wanted(sys.stdout))

    def to_text(self, colour: bool = False) -> str:
        """The trace as text of at most 88 columns."""
        paint = Paint(colour)
        blocks = [heading(f"Gradients of {self.title}, step by step", self.passed, paint), self._table(paint)]
        blocks += ["\n".join(wrapped(sentence) for sentence in self.sentences())]
        blocks += [worst_entries(r[name], paint) for name, r in self.reports.items() if r[name].wrong.any()]
        blocks += findings_text(self.findings, paint, traced=True)
        return "\n\n".join(block for block in blocks if block)

    def _repr_html_(self) -> str:
        """The trace for a notebook."""
        title = f"Gradients of {self.title}, step by step: {'passed' if self.passed else 'FAILED'}"
        sentences = [f"<p>{escape(sentence)}</p>" for sentence in self.sentences()]
        found = findings_html(self.findings, traced=True)
        return page([f"<p><b>{escape(title)}</b></p>", table(self._rows(), left=3), *sentences, *found])

    def sentences(self) -> list[str]:
        """What follows from the table."""
        found = []
        for name in self.reports:
            sources = [source for source in self[name].made_from if source != self.output]
            if sources:
                right = f"{_listed(sources)}, from which it is made, {'is' if len(sources) == 1 else 'are'} right"
                where = f"The gradient of {right}" if len(sources) == 1 else f"The gradients of {right}"
                found.append(
                    f"The first wrong gradient is that of {name}. {where}: the mistake is in the lines between."
                )
            else:
                found.append(f"The first wrong gradient is that of {name}, which is made from d{self.output} itself.")
        for verdict, sentence in AFTER_THE_FIRST.items():
            names = [g.name for g in self.gradients if g.verdict == verdict]
            if names:
                found.append(sentence.format(names=_listed(names)))
        sampled = [
            f"{g.report.compared:,} of {g.report.numeric.size:,} entries of {g.name}"
            for g in self.gradients
            if 0 < g.report.compared < g.report.numeric.size - np.count_nonzero(g.report.kinks)
        ]
        if sampled:
            found.append(f"A random choice was looked at: {', '.join(sampled)}. For more, raise max_evaluations.")
        if self.not_given and found:
            found.append(f"Not looked at, since backward gave no gradient of it: {', '.join(self.not_given)}.")
        return found

    def to_dict(self) -> dict[str, Any]:
        """The trace as JSON-safe dicts, lists, strings and numbers."""
        return {
            "title": self.title,
            "passed": self.passed,
            "first_wrong": list(self.reports),
            "gradients": [
                {**g.report.to_dict(), "made_from": g.made_from, "verdict": g.verdict.lower()} for g in self.gradients
            ],
            "not_given": list(self.not_given),
            "findings": [f.to_dict() for f in self.findings],
        }

    def raise_if_failed(self) -> None:
        """Raise the trace as a GradientError unless it passed."""
        __tracebackhide__ = True
        if not self.passed:
            raise GradientError(self.to_text())

    def _rows(self) -> list[Row]:
        rows = [("gradient of", "shape", "made from that of", "relative error", "")]
        for g in self.gradients:
            error = f"{g.report.max_relative_error:.1e}" if g.report.compared else "-"
            rows.append((g.name, shape_text(g.report.shape), ", ".join(g.made_from), error, g.verdict))
        return rows

    def _table(self, paint: Paint) -> str:
        header, *lines = aligned(self._rows(), "<<<><", shorten=2).split("\n")
        painted = [paint(header, FAINT)]
        for line, g in zip(lines, self.gradients, strict=True):
            painted.append(line.removesuffix(g.verdict) + paint(g.verdict, *COLOURS[g.verdict]))
        return "\n".join(painted)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
