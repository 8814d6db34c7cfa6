"""Which line of a backward pass is wrong: the first wrong one of its intermediate gradients.

A backward pass written in steps makes a gradient for each intermediate value, from the last to the first. Each is
compared with the derivative of the loss by that value, measured by running the rest of the forward pass from a value
moved a little (tapped.py). A gradient is made from those of the values that depend on its own. So the mistake is in the
lines that make

    a wrong gradient of a value v, where the gradients of all values that depend on v are right.                (1)

The wrong gradients that come after it may be right but for what they were handed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .check import MAX_EVALUATIONS, TOLERANCE, check
from .conduct import random_dy
from .lines import Lines
from .report import Finding, Report
from .tapped import VIA, Steps, Tapped
from .trace_report import Trace, TracedGradient


def trace(
    forward: Steps | Sequence[tuple[str, Callable]] | Callable,
    backward: Callable | Mapping[str, Callable],
    arguments: Mapping[str, object] | Sequence,
    *,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    max_evaluations: int = MAX_EVALUATIONS,
    rng: np.random.Generator | None = None,
    title: str | None = None,
) -> Trace:
    """Compare the gradient of every intermediate value with its numeric derivative, and find the first wrong one.

    Parameters
    ----------
    forward : dict of str to function, or function `(*arguments, tap) -> (y, cache)`
        The forward pass as steps, {"mu": lambda x: x.mean(axis=0), ...}, the last one the output; or a function that
        sends its intermediate values through `tap`: mu = tap("mu", x.mean(axis=0)). See tapped.py.
    backward : function (dy, cache) -> dict of str to array, or dict of str to function (d, cache) -> array
        The gradients by the names of their values, as many of them as there are: {"x_hat": ..., "mu": ..., "x": ...}.
        With steps the cache is the dictionary of all values, and "mu via x_hat" the name of what comes back to mu from
        step x_hat alone. Given line by line, {"x_hat": lambda d, v: d["y"] * v["gamma"], ...}, each wrong line is also
        judged by itself, see lines.py.
    arguments : dict of str to value, or sequence
        As for `check`, by name; without names they are those of the function's parameters.
    seed, tolerance : int, float
        As for `check`.
    max_evaluations : int
        As for `check`, for each intermediate value.
    rng : numpy.random.Generator, optional
        As for `check`: one that forward draws from without having it as an argument.
    title : str, optional

    Returns
    -------
    Trace

    Raises
    ------
    TypeError
        If forward is neither steps nor a function with a tap, or backward returns no dictionary.
    ValueError
        If a gradient has the name of no value, or a step takes one that does not exist yet.

    Examples
    --------
    >>> from minicnn import gradcheck
    >>> steps = {"a": lambda x: x**2, "y": lambda a: np.sin(a)}
    >>> backward = {"a": lambda d, v: d["y"] * np.sin(v["a"]), "x": lambda d, v: d["a"] * 2 * v["x"]}
    >>> trace = gradcheck.trace(steps, backward, {"x": np.array([0.5, 0.8])})
    >>> trace.first_wrong  # the derivative of the sine is the cosine
    'a'
    """
    for name, passed in (("forward", forward), ("backward", backward)):
        if not callable(passed) and not isinstance(passed, Mapping | Sequence):
            raise TypeError(f"trace takes a dict of steps, or a function, as {name}, got {passed!r:.80}.")
    tapped = Tapped(forward, arguments, rng)
    name_of_backward = title or getattr(backward, "__name__", "backward")
    backward = Lines(backward, tapped.output) if isinstance(backward, Mapping) else backward
    subject = _Subject(tapped, backward, seed)
    options = {"seed": seed, "tolerance": tolerance, "max_evaluations": max_evaluations}
    reports = {name: subject.check(name, explain=False, **options) for name in subject.names}
    wrong = {name for name, report in reports.items() if _is_wrong(report, name)}
    first = [name for name in subject.names if name in wrong and not subject.after[name] & wrong]  # (1)
    for name in first:
        reports[name] = subject.check(name, **options)
    line_is_right = subject.judge_lines(wrong - set(first), reports)
    return Trace(
        title=name_of_backward,
        gradients=[
            TracedGradient(reports[name][name], subject.made_from[name], name in first, line_is_right.get(name))
            for name in subject.names
        ],
        not_given=subject.not_given,
        findings=_findings(reports, first),
        output=subject.tapped.output,
        reports={name: reports[name] for name in first},
    )


class _Subject:
    """The two functions, and which gradient is made from which.

    Attributes
    ----------
    names : list of str
        Of the values that backward gives a gradient of, in its order: each after those that depend on it.
    made_from : dict of str to list of str
        The names whose gradients the chain rule makes this one from: their values take this one's. So may the output.
    after : dict of str to set of str
        The same, and those that these are made from, and so on.
    not_given : list of str
        Values without a gradient.
    """

    def __init__(self, tapped: Tapped, backward: Callable, seed: int):
        self.tapped, self.backward, self.dy = tapped, backward, None
        random = np.random.default_rng(seed)
        y, cache, self.values = tapped.first_run()
        given = backward(_like(y, random), cache)
        _check_names(given, [*tapped.names, *self.values])
        names = [name for name, gradient in given.items() if gradient is not None]
        self.made_from = {name: tapped.used_by(name, names, random) for name in names}
        self.after = {name: _all_after(name, self.made_from) for name in names}
        self.names = sorted(names, key=lambda name: len(self.after[name]))  # whoever comes after v has fewer after it
        arrays = {**dict(zip(tapped.names, tapped.arguments, strict=True)), **self.values}
        self.not_given = [
            name for name, value in arrays.items() if name not in names and VIA not in name and _is_float(value, y)
        ]

    def check(self, name: str, **options) -> Report:
        """Check the gradient of one value; the arguments stand beside an intermediate one as constants."""
        tapped = self.tapped
        is_argument = name in tapped.names
        names = tapped.names if is_argument else [name, *tapped.names]
        arguments = tapped.arguments if is_argument else [self.values[name], *tapped.arguments]

        def forward(*given: object) -> tuple[object, object]:
            y, cache, _ = tapped.run(given, {}) if is_argument else tapped.run(given[1:], {name: given[0]})
            return y, cache

        def backward(dy: object, cache: object) -> list[object]:
            if self.dy is None:
                self.dy = copy.deepcopy(
                    dy
                )  # the one that all measured gradients belong to; others come later, to see if it is linear
            gradient = self.backward(dy, cache)[name]
            return [gradient if each == name else None for each in names]

        return check(forward, backward, arguments, names=names, title=name, **options)

    def judge_lines(self, names: set[str], reports: dict[str, Report]) -> dict[str, bool | None]:
        """Whether the lines that make these gradients are right by themselves; unknown if backward is one function."""
        if not isinstance(self.backward, Lines) or not names:
            return {}
        _, cache, _ = self.tapped.first_run()
        measured = {self.backward.output: self.dy, **{name: report[name].numeric for name, report in reports.items()}}
        return {name: self.backward.is_right(name, measured, cache) for name in names}


def _is_wrong(report: Report, name: str) -> bool:
    """Whether its numbers are wrong, or right in float32 only."""
    return not report[name].passed or any(f.is_error and f.argument == name for f in report.findings)


def _findings(reports: dict[str, Report], first: list[str]) -> list[Finding]:
    """Those about the first wrong gradients; before them, once, those about the two functions as such."""
    found = {}
    for name, report in reports.items():
        for finding in report.findings:
            if name in first or finding.argument != name:
                found.setdefault((finding.code, finding.argument), finding)
    return sorted(found.values(), key=lambda f: (f.argument in reports, not f.is_error, f.code == "unrecognized"))


def _all_after(name: str, made_from: dict[str, list[str]]) -> set[str]:
    """Everything that can be reached."""
    found, ahead = set(), [name]
    while ahead:
        fresh = set(made_from.get(ahead.pop(), [])) - found
        found |= fresh
        ahead += fresh
    return found


def _check_names(given: object, known: list[str]) -> None:
    if not isinstance(given, Mapping):
        raise TypeError(
            'backward must return a dictionary of gradients by the names of their values, {"x_hat": ..., "x": ...}, '
            f"got {type(given).__name__}."
        )
    unknown = [name for name in given if name not in known]
    if unknown or not given:
        raise ValueError(
            f"backward gives a gradient for {', '.join(map(repr, unknown)) or 'nothing'}; "
            f"the values are called {', '.join(known)}."
        )


def _like(y: object, random: np.random.Generator) -> object:
    """A random upstream gradient, of the kind that y is."""
    if isinstance(y, (tuple, list)):
        return tuple(_like(part, random) for part in y)
    dy = random_dy([np.asarray(y)], random)[0]
    return dy if isinstance(y, np.ndarray) else float(dy)


def _is_float(value: object, y: object) -> bool:
    """Whether it may have a gradient that backward is expected to give; the output has dy."""
    return isinstance(value, (float, np.ndarray)) and np.asarray(value).dtype.kind == "f" and value is not y
