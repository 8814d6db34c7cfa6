"""The comparison of backward's gradient with the derivative of forward.

For each entry, with the analytic gradient a, the numeric derivative n and its uncertainty u (numeric.py):

    relative error = |a - n| / max(|a|, |n|, floor),    floor = (u + r max|n|) / tolerance          (1)

An entry is right when its relative error is at most the tolerance. By the floor this says: `|a - n|` is at most a share
`tolerance` of the gradient, or no more than can be told from these numbers: u, and the rounding of the analytic
gradient itself, a share r = 1e-13 of the argument's largest entry. A bias in front of batch norm has the true gradient
0, and analytic and numeric values of 1e-17 and 1e-12: one beside the other they are 100 % wrong, by (1) they are right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .case import Case
from .conduct import observe
from .diagnose import diagnose
from .measure import change_of_loss, measure
from .pair import Pair
from .report import ArgumentReport, Report
from .second_look import LITTLE, look_again, rounding_of_the_gradient

TOLERANCE = 1e-7
MAX_EVALUATIONS = 20_000
ANALYTIC_ROUNDING = 1e-13  # r of equation (1)
TINY = 1e-13  # of dy: an error that may be rounding, even if the gradient is as small


def check(
    forward: Callable,
    backward: Callable,
    arguments: Sequence | np.ndarray,
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    max_evaluations: int = MAX_EVALUATIONS,
    rng: np.random.Generator | None = None,
    hints: str | Mapping[str, Any] | None = None,
    make_arguments: Callable[[int], tuple] | None = None,
    explain: bool = True,
    title: str | None = None,
) -> Report:
    """Compare a backward pass with numeric derivatives of its forward pass, and watch how both behave.

    Parameters
    ----------
    forward : function `(*arguments) -> (y, cache)`
        y is an array of floats, a float (a loss) or a tuple of them.
    backward : function `(dy, cache) -> gradients`
        dy is like y. One gradient for each array of floats, or one for each argument with None for a constant; a bare
        array where there is one array of floats, and for a loss, where it belongs to the first.
    arguments : tuple
        What forward takes. Arrays of floats are differentiated, as float64; everything else (integer arrays, numbers,
        None, ...) is a constant. Generators are wound back before each forward. Nothing of yours is changed.
    names : sequence of str, optional
        For the report; by default those of forward's signature.
    seed : int
        Of the random upstream gradient dy, and of the choice of entries where not all are looked at.
    tolerance : float
        Largest relative error that passes, equation (1) above, dimensionless.
    max_evaluations : int
        About how often forward may be called. An entry takes four calls or a few more; where that is too much, a random
        choice of entries is looked at, and the report says so.
    rng : numpy.random.Generator, optional
        A generator that forward draws from without having it as an argument: it is wound back as well.
    hints : str or dict, optional
        Which operation it is, for a better diagnosis: "conv2d", or {"operation": "conv2d", "stride": 2, "padding": 1}.
    make_arguments : function (seed) -> arguments, optional
        Gives other arguments, of other shapes perhaps, to tell explanations of a mistake apart.
    explain : bool
        Whether to look for the mistake behind a wrong gradient. Without, it is faster, and "unrecognized".
    title : str, optional
        What the report calls the pair; by default the two functions' names.

    Returns
    -------
    Report

    Raises
    ------
    TypeError
        If forward returns no pair or no floats, or no argument is an array of floats.
    ValueError
        If an argument holds NaN or infinity, or backward returns the wrong number of gradients.

    Examples
    --------
    >>> from minicnn import gradcheck
    >>> def forward(x, w, b):
    ...     return x @ w + b, (x, w)
    >>> def backward(dy, cache):
    ...     x, w = cache
    ...     return dy @ w.T, x.T @ dy, dy.mean(axis=0)
    >>> rng = np.random.default_rng(0)
    >>> report = gradcheck.check(forward, backward, (rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), np.zeros(2)))
    >>> report.passed, report.findings[0].code, report.findings[0].argument
    (False, 'factor-batch', 'b')
    """
    _check_options(forward, tolerance, max_evaluations, seed, rng)
    pair = Pair(forward, backward, arguments, names, rng)
    random = np.random.default_rng(seed)
    conduct = observe(pair, random)
    if not conduct.gradients:
        raise ValueError(
            "backward returned None for every argument (is its return missing?), so that there is nothing to compare. "
            f"Return the gradient of at least one of {', '.join(pair.names)}."
        )
    case = Case(pair, conduct, tolerance, _as_hints(hints), make_arguments, max_evaluations)
    chosen = measure(case, max_evaluations, random)
    for i, entries in chosen.items():
        case.arguments[i] = _compare(case, i, entries)
        if case.arguments[i].max_relative_error > 0 and not case.arguments[i].passed:
            case.arguments[i] = _look_again(case, i, entries)
    return Report(
        title=pair.title if title is None else title,
        arguments=list(case.arguments.values()),
        findings=diagnose(case, explain),
        unchecked=[pair.names[i] for i in pair.floats if i not in conduct.gradients],
        tolerance=tolerance,
        seed=seed,
        evaluations=pair.forward_calls,
    )


def _check_options(
    forward: Callable, tolerance: float, max_evaluations: int, seed: int, rng: np.random.Generator | None
) -> None:
    """See that the options are of their form; the checker asks by itself, since it needs nothing of minicnn."""
    if not callable(forward):
        raise TypeError(f"check takes a function as forward, got {forward!r:.80}.")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float | np.number):
        raise TypeError(f"tolerance takes a number, got {tolerance!r:.80}.")
    if not 0 < tolerance < np.inf:
        raise ValueError(f"tolerance must be positive and finite, 0 < tolerance, got {tolerance!r}.")
    for name, value, least in (("max_evaluations", max_evaluations, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{name} takes a whole number of at least {least}, got {value!r:.80}.")
        if value < least:
            raise ValueError(f"{name} takes a whole number of at least {least}, got {value!r}.")
    if not isinstance(rng, np.random.Generator | None):
        raise TypeError(f"rng takes a generator such as np.random.default_rng(0), got {rng!r:.80}.")


def _as_hints(hints: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """Hints as a dict with "operation", or an empty one."""
    if hints is None:
        return {}
    hints = {"operation": hints} if isinstance(hints, str) else dict(hints) if isinstance(hints, Mapping) else hints
    if not isinstance(hints, dict) or not isinstance(hints.get("operation"), str):
        raise ValueError(
            f'hints names the operation, as "conv2d" or {{"operation": "conv2d", "stride": 2}}; got {hints!r}.'
        )
    return hints


def _look_again(case: Case, i: int, entries: np.ndarray) -> ArgumentReport:
    """Measure the entries once more that are wrong by little; compare again."""
    pair, conduct, a = case.pair, case.conduct, case.arguments[i]
    errors = a.relative_error.flat[entries]
    doubtful = np.flatnonzero((errors > case.tolerance) & (errors < LITTLE))
    if doubtful.size:
        places = np.stack([doubtful, entries[doubtful]], axis=1)
        change = change_of_loss(pair, conduct, i)
        case.numeric[i] = look_again(change, pair.arguments[i], places, case.numeric[i], conduct.noise)
    largest = max((float(np.abs(d).max(initial=0.0)) for d in conduct.dy), default=0.0)
    with np.errstate(all="ignore"):
        is_tiny = np.all(np.abs(a.analytic - a.numeric)[a.wrong] < TINY * largest)
    return _compare(case, i, entries, rounding_of_the_gradient(pair, conduct, i) if is_tiny else 0.0)


def _compare(case: Case, i: int, entries: np.ndarray, rounding: float = 0.0) -> ArgumentReport:
    """Relative errors of argument i, equation (1); `rounding` is what else may be lost in the analytic gradient."""
    shape, analytic, numeric = case.pair.arguments[i].shape, case.conduct.gradients[i], case.numeric.get(i)
    values, uncertainty, errors = (np.full(shape, np.nan) for _ in range(3))
    kinks = np.zeros(shape, bool)
    if numeric is not None:
        values.flat[entries], uncertainty.flat[entries] = numeric.values, numeric.uncertainty
        kinks.flat[entries] = numeric.kinks
        values[kinks], uncertainty[kinks] = np.nan, np.nan
    if analytic.shape == shape:
        a, n = analytic.astype(np.float64), values
        with np.errstate(all="ignore"):
            largest = np.abs(n[~np.isnan(n)]).max(initial=0.0)
            floor = (uncertainty + ANALYTIC_ROUNDING * largest + rounding) / case.tolerance
            scale = np.maximum(np.maximum(np.abs(a), np.abs(n)), floor)
            errors = np.where(np.isnan(n) | (a == n), 0.0 * n, np.abs(a - n) / scale)  # (1); NaN stays NaN
        errors[~np.isfinite(a) & ~np.isnan(n)] = np.inf
    name, agreed = case.pair.names[i], len(case.directions.get(i, ()))
    return ArgumentReport(name, shape, analytic, values, uncertainty, errors, kinks, case.tolerance, agreed)
