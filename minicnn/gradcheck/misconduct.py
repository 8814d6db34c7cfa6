"""Findings that need no diagnosis: how the two functions behave, and gradients that cannot be compared at all.

A rule about the pair looks at the whole case, a rule about an argument at one gradient; each gives findings or none.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .case import Case
from .report import Finding
from .shapes import remedy, same_numbers
from .ties import tie_double_counted

NONLINEAR = 1e-6  # relative: how far equation (1) of conduct.py may be missed
COARSE_NOISE = 2.0**-33  # of the largest value: float64 rounds to 2^-53, float32 to 2^-24
FLOAT32_ERRORS, FLOAT16_ERRORS = 1e-5, 1e-1  # relative errors that such rounding can explain
SHOWN_INDICES = 5


# ---- the pair as a whole ----


def non_finite_output(case: Case) -> Iterator[Finding]:
    """NaN or infinity in y."""
    for k, y in enumerate(case.conduct.call.outputs):
        bad = ~np.isfinite(y)
        if bad.any():
            where = indices(bad)
            message = (
                f"forward gives {np.count_nonzero(bad):,} of {y.size:,} outputs as NaN or infinity, first at "
                f"{where[0]}; gradients cannot be compared at this point."
            )
            evidence = {"output": k, "count": int(np.count_nonzero(bad)), "indices": where}
            yield Finding("non-finite", None, message, evidence)


def not_repeatable(case: Case) -> Iterator[Finding]:
    """Another answer for the same input."""
    if case.conduct.drift:
        message = (
            f"forward gives another answer when it is called again with the same arguments: {case.conduct.drift}. "
            "Does it draw random numbers or keep a state? Nothing was compared, since a derivative needs one function."
        )
        yield Finding("not-repeatable", None, message, {"difference": case.conduct.drift})


def backward_not_repeatable(case: Case) -> Iterator[Finding]:
    """Other gradients for the same dy and cache."""
    if case.conduct.backward_drift:
        message = (
            "backward gives another answer when it is called again with the same dy and cache: "
            f"{case.conduct.backward_drift}. Does it write into the cache, or add to gradients of the call before?"
        )
        yield Finding("backward-not-repeatable", None, message, {"difference": case.conduct.backward_drift})


def argument_modified(case: Case) -> Iterator[Finding]:
    """Somebody wrote into an array that belongs to the caller."""
    for name, by in case.conduct.modified:
        message = f"{by} changed {name}, which belongs to the caller and may be needed again."
        yield Finding("argument-modified", name, message, {"by": by})


def low_precision(case: Case) -> Iterator[Finding]:
    """A forward pass in float32, or as noisy as one."""
    remedy_text = (
        "Derivatives from such values are right to 3 or 4 digits at best, so that small mistakes stay unseen. Look for "
        'dtype=np.float32, .astype("float32") or arrays made without the dtype of x.'
    )
    if case.conduct.float32:
        message = f"forward computes in less than float64: {case.conduct.float32}. {remedy_text}"
        yield Finding("low-precision", None, message, {"sign": case.conduct.float32})
        return
    largest = max(float(np.abs(a).max(initial=0.0)) for a in _values(case))
    scale = largest * float(np.sqrt(sum(np.sum(d**2) for d in case.conduct.dy)))
    noise = case.conduct.noise
    for i, numeric in case.numeric.items():
        if not numeric.values.size:
            continue
        size = np.abs(numeric.values).max()
        if noise > COARSE_NOISE * scale > 0 and np.median(numeric.uncertainty) > case.tolerance * size > 0:
            share = noise / scale
            message = f"the outputs carry noise of {share:.0e} of the largest value, float64 has 1e-16. {remedy_text}"
            yield Finding("low-precision", case.arguments[i].name, message, {"noise": share})
            return


# ---- one argument ----


def not_differentiable_here(case: Case, i: int) -> Iterator[Finding]:
    """Entries on a kink: left out, no error."""
    kinks = case.arguments[i].kinks
    count = int(np.count_nonzero(kinks))
    if count:
        looked_at = len(case.numeric[i].values)
        where = indices(kinks)
        message = (
            f"{count:,} of the {looked_at:,} entries looked at sit on a kink or a jump, where the slopes on both sides "
            f"differ however small the step, e.g. {where[0]}: ReLU at 0? equal maxima? They were left out."
        )
        if 2 * count > looked_at:
            message += " That is most of them: check at another point, such as random values."
        yield Finding("not-differentiable-here", case.arguments[i].name, message, {"count": count, "indices": where})


def wrong_along_directions(case: Case, i: int) -> Iterator[Finding]:
    """Random directions disagree, and no entry looked at shows why."""
    directions, a = case.directions.get(i, []), case.arguments[i]
    wrong = [d for d in directions if d.disagrees(case.tolerance)]
    if wrong and a.passed:
        worst = max(wrong, key=lambda d: abs(d.analytic - d.numeric))
        message = (
            f"{len(wrong)} of {len(directions)} random directions through all entries disagree: some entries are "
            "wrong, though none of those looked at. "
            f"Along one direction L changes by {worst.numeric:.9g}, by the gradient it would be {worst.analytic:.9g}. "
            "Raise max_evaluations, or check a smaller case."
        )
        evidence = {"directions": len(directions), "wrong": len(wrong), "analytic": worst.analytic}
        yield Finding("unrecognized", a.name, message, {**evidence, "numeric": worst.numeric})


# ---- why a gradient is wrong ----


def wrong_shape(case: Case, i: int) -> Finding | None:
    """Another shape than the variable's."""
    a = case.arguments[i]
    if a.analytic.shape == a.shape:
        return None
    advice, agrees = remedy(a.analytic, a.shape, a.numeric, case.conduct.dy)
    message = f"the gradient has shape {a.analytic.shape}, {a.name} has {a.shape}."
    others = [b.name for b in case.arguments.values() if same_numbers(a.analytic, b.numeric)]
    if others:
        advice, agrees = "return the gradients in the order of forward's arguments", True
        message += f" It is the gradient of {others[0]}: {advice}."
    elif advice:
        message += f" To mend it, {advice}" + ("; then its numbers are right." if agrees else ", perhaps.")
    evidence = {"shape": list(a.analytic.shape), "expected": list(a.shape), "remedy": advice, "remedy_agrees": agrees}
    return Finding("wrong-shape", a.name, message, evidence)


def non_finite(case: Case, i: int) -> Finding | None:
    """NaN or infinity in a gradient."""
    a = case.arguments[i]
    bad = ~np.isfinite(a.analytic)
    if not bad.any() or not case.conduct.outputs_are_finite:
        return None
    where = indices(bad)
    message = (
        f"{np.count_nonzero(bad):,} of {bad.size:,} entries of the gradient are NaN or infinite, first at {where[0]}."
    )
    return Finding("non-finite", a.name, message, {"count": int(np.count_nonzero(bad)), "indices": where})


def upstream_ignored(case: Case, i: int) -> Finding | None:
    """The gradient does not depend on dy, or not linearly."""
    a = case.arguments[i]
    missed, largest = case.conduct.nonlinearity.get(i, (np.zeros(0), 0.0))
    noise = np.nanmax(a.uncertainty, initial=0.0)
    same = i in case.conduct.ignores_dy and not a.passed and bool(a.analytic.any())
    if not missed.size or not a.compared or not (same or missed.max() > NONLINEAR * largest + 10 * noise):
        return None
    relative = float(missed.max() / largest) if largest else float("inf")
    if same:
        message = "the gradient is the same for another dy: the chain rule's factor dL/dy is missing."
    else:
        message = (
            "the gradient is not linear in dy: backward(a dy1 + b dy2) and a backward(dy1) + b backward(dy2) differ by "
            f"a relative {relative:.1e}. Each term of a gradient has dy in it exactly once."
        )
    return Finding("upstream-ignored", a.name, message, {"relative_difference": relative})


def low_precision_gradient(case: Case, i: int) -> Finding | None:
    """A backward pass in float32 after a forward pass in float64."""
    a = case.arguments[i]
    coarse = a.analytic.dtype.kind == "f" and a.analytic.dtype.itemsize < 8
    if not coarse and not a.passed and a.max_relative_error < FLOAT32_ERRORS and a.analytic.dtype.kind == "f":
        coarse = bool(a.analytic.any() and np.array_equal(a.analytic, a.analytic.astype(np.float32)))
    allowed = FLOAT16_ERRORS if a.analytic.dtype.itemsize < 4 else FLOAT32_ERRORS
    if not coarse or case.conduct.float32 or not (a.passed or a.max_relative_error < allowed):
        return None
    message = (
        f"backward computes in {a.analytic.dtype.name if a.analytic.dtype.itemsize < 8 else 'float32'} though dy and "
        "the arguments are float64: the gradient is right to a few digits and cannot be checked more finely. Let it "
        "keep the dtype of dy."
    )
    evidence = {"dtype": a.analytic.dtype.name, "max_relative_error": a.max_relative_error}
    return Finding("low-precision", a.name, message, evidence)


def indices(chosen: np.ndarray) -> list[tuple[int, ...]]:
    """The first few places where `chosen` is true."""
    return [tuple(int(k) for k in index) for index in np.argwhere(chosen)[:SHOWN_INDICES]]


def _values(case: Case) -> list[np.ndarray]:
    """All numbers around: outputs and arguments of floats."""
    return [*case.conduct.call.outputs, *(case.pair.arguments[i] for i in case.pair.floats)]


ABOUT_THE_PAIR = (non_finite_output, not_repeatable, argument_modified, backward_not_repeatable, low_precision)
ABOUT_AN_ARGUMENT = (not_differentiable_here, tie_double_counted, wrong_along_directions)
WITHOUT_DIAGNOSIS = (wrong_shape, non_finite, low_precision_gradient, upstream_ignored)
