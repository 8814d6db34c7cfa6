"""What a learner's function returned beside what it should have returned: type, shape, dtype, then numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .exercise import Mistake, Values
from .verdict import Problem

SHOWN = 40  # an array with at most so many numbers is shown whole
KEEP_FLOAT32 = (
    "new arrays take the dtype of the old, as in np.zeros(shape, x.dtype), and a product "
    "with an array or a number of NumPy's float64, such as mask / keep or np.sqrt(2.0), is float64"
)
WHY_DTYPE = {  # got, expected
    ("float32", "float64"): " (float64 went in: do not round on the way)",
    ("float64", "float32"): f" (float32 went in: {KEEP_FLOAT32})",
}


def compare(result: Any, expected: Any, check: Values, call: Callable[[Callable], Any]) -> Problem | None:
    """Find the first difference.

    Parameters
    ----------
    result, expected : object
        What was returned, and what should have been: one value, or a tuple for several names.
    check : Values
    call : callable
        Calls a function of the signature of the learner's with the example's arguments.

    Returns
    -------
    Problem or None
    """
    problem = _wrong_count(result, check)
    if problem is not None:
        return problem
    results, right = _as_tuple(result, check), _as_tuple(expected, check)
    pairs = [(n, g, e) for n, g, e in zip(check.returns, results, right, strict=True) if n is not None]
    for name, got, wanted in pairs:
        problem = _wrong_kind(name, got, wanted)
        if problem is not None:
            return _named(problem, results, check, call) if problem.code == "wrong-shape" else problem
    for name, got, wanted in pairs:
        if not _agree(got, wanted, check.tolerance):
            table = _table(name, np.asarray(got), np.asarray(wanted), check.tolerance)
            code = "wrong-value" if np.isfinite(got).all() else "non-finite"
            return _named(Problem("value", code, table), results, check, call)
    return None


def _named(problem: Problem, results: tuple, check: Values, call: Callable[[Callable], Any]) -> Problem:
    """The problem under the name of a known mistake that gives just these results, if there is one."""
    mistake = _recognise(results, check, call)
    return problem if mistake is None else Problem("value", mistake.code, f"{mistake.message}\n{problem.message}")


def _as_tuple(result: Any, check: Values) -> tuple:
    return (result,) if len(check.returns) == 1 else tuple(result)


def _wrong_count(result: Any, check: Values) -> Problem | None:
    """See that as many values came back as there are names."""
    names = ", ".join(check.uncompared if n is None else n for n in check.returns)
    if result is None:
        return Problem("shape", "returned-nothing", f"{check.function} returned nothing. End it with: return {names}")
    wanted = len(check.returns)
    if wanted > 1 and not (isinstance(result, (tuple, list)) and len(result) == wanted):
        got = f"{len(result)} values" if isinstance(result, (tuple, list)) else _kind(result)
        message = f"{check.function} must return {wanted} values, ({names}), got {got}."
        return Problem("shape", "wrong-returns", message)
    return None


def _wrong_kind(name: str, got: Any, wanted: Any) -> Problem | None:
    """See that a value has the right type, shape and dtype."""
    if np.ndim(wanted) == 0 and isinstance(wanted, (bool, int, float, np.generic)):
        return _wrong_number(name, got, wanted)
    if not isinstance(got, (np.ndarray, np.generic)):  # x.mean() is a np.float64, of shape ()
        return Problem("shape", "wrong-type", f"{name} must be an array of shape {wanted.shape}, got {_kind(got)}.")
    if isinstance(got, np.matrix):
        message = (
            f"{name} must be a plain array, got a np.matrix, whose * is the matrix product: x @ w needs no np.matrix."
        )
        return Problem("shape", "wrong-type", message)
    if got.shape != wanted.shape:
        return Problem("shape", "wrong-shape", f"{name} has shape {got.shape}, expected {wanted.shape}.")
    if got.dtype != wanted.dtype:
        why = WHY_DTYPE.get((str(got.dtype), str(wanted.dtype)), "")
        return Problem("shape", "wrong-dtype", f"{name} is an array of {got.dtype}, expected {wanted.dtype}{why}.")
    return None


def _wrong_number(name: str, got: Any, wanted: Any) -> Problem | None:
    """See that a value is one number, a whole one or a truth value where that is asked for."""
    if np.ndim(got) != 0 or not isinstance(got, (bool, int, float, np.generic, np.ndarray)):
        kind = "True or False" if isinstance(wanted, bool) else "one number"
        return Problem("shape", "wrong-shape", f"{name} must be {kind}, got {_kind(got)}.")
    if isinstance(wanted, int) and not isinstance(wanted, bool) and np.asarray(got).dtype.kind == "f":
        message = f"{name} must be a whole number (int), got the float {got}: // divides ints to an int, / does not."
        return Problem("shape", "wrong-type", message)
    return None


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return "nothing (None)" if value is None else f"a {type(value).__name__}"


def _agree(got: Any, wanted: Any, tolerance: float) -> bool:
    return not _wrong(np.asarray(got), np.asarray(wanted), tolerance).any()


def _wrong(got: np.ndarray, wanted: np.ndarray, tolerance: float) -> np.ndarray:
    """Which entries differ by more than the tolerance times the largest number expected."""
    if wanted.dtype.kind not in "fc":
        return got != wanted
    finite = np.abs(wanted[np.isfinite(wanted)])
    allowed = tolerance * max(finite.max(initial=0.0), 1e-300)
    with np.errstate(invalid="ignore"):
        same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
        return ~(same | (np.abs(got - wanted) <= allowed))


def _recognise(results: tuple, check: Values, call: Callable[[Callable], Any]) -> Mistake | None:
    """The first known mistake that would give just these numbers."""
    for mistake in check.mistakes:
        with np.errstate(all="ignore"):
            wrong = _as_tuple(call(mistake.function), check)
        compared = [(g, w) for n, g, w in zip(check.returns, results, wrong, strict=True) if n is not None]
        if all(np.shape(g) == np.shape(w) and _agree(g, w, check.tolerance) for g, w in compared):
            return mistake
    return None


def _table(name: str, got: np.ndarray, wanted: np.ndarray, tolerance: float) -> str:
    """The first wrong entry in words, and both arrays where they are small."""
    wrong = _wrong(got, wanted, tolerance)
    if wanted.ndim == 0:
        return f"{name} is {_number(got)}, expected {_number(wanted)}."
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = ", ".join(map(str, index))
    count = np.count_nonzero(wrong)
    others = f" ({count} of {wanted.size} entries are wrong, this is the first)" if count > 1 else ""
    text = f"{name}[{place}] is {_number(got[index])}, expected {_number(wanted[index])}{others}."
    if wanted.size > SHOWN:
        return text
    return "\n".join([text, *written_out(name, wanted, ", expected"), *written_out(name, got, ", got")])


def _number(value: Any) -> str:
    value = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
    return f"{value:.6g}" if isinstance(value, float) and math.isfinite(value) else str(value)


def _has_small(array: np.ndarray) -> bool:
    """Whether four decimals would show a number as 0 that is more than rounding beside the largest."""
    sizes = np.abs(array[np.isfinite(array)]) if array.dtype.kind == "f" else np.zeros(0)
    return bool(((sizes < 5e-5) & (sizes > 1e-14 * sizes.max(initial=0.0))).any())


def written_out(name: str, array: np.ndarray, remark: str = "") -> list[str]:
    """The numbers of an array in indented lines; of four axes, the two of a picture at a time."""
    if array.ndim == 4:
        is_weight = name in ("w", "dw")  # (KH, KW, C, F); images are (N, H, W, C)
        lines = []
        for a, b in np.ndindex(array.shape[2:] if is_weight else (array.shape[0], array.shape[3])):
            place, plane = ("[:, :, {}, {}]", array[:, :, a, b]) if is_weight else ("[{}, :, :, {}]", array[a, :, :, b])
            lines += written_out(name + place.format(a, b), plane, remark)
        return lines
    with np.printoptions(precision=4, suppress=not _has_small(array), linewidth=100):
        return [f"{name}{remark}:", *(f"    {line}" for line in str(array).splitlines() if line)]
