"""Further questions to the two functions: at other points, along a direction, output by output.

An explanation asks them only of a wrong gradient. What forward raises at another point is no error: then there is no
answer, None.

    J_jk = dy_j / dx_k    numeric Jacobian: differences of all outputs, entry by entry                 (1)
    A_jk                  analytic Jacobian: backward of the j-th unit vector, since it is linear in dy (2)
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from .case import Case
from .numeric import FIRST_STEP, spread
from .pair import Gradients, Pair

CALLS_AN_ENTRY = 4
SHARE = 0.5  # of the budget, for a Jacobian or a gradient elsewhere
MOST_NUMBERS = 2_000_000  # of a Jacobian
MOST_SECONDS = 1.5  # for a Jacobian
STEPS = (FIRST_STEP, FIRST_STEP * 2.0**-7, FIRST_STEP * 2.0**5, FIRST_STEP * 2.0**-14)
GOOD_SLOPE = 1e-9  # relative uncertainty: no need to try another step
ROUNDING = 8 * np.finfo(np.float64).eps
VISIBLE = 1e-7  # of the Jacobian's largest entry: below is zero
OTHER_DY = 4


@dataclass(frozen=True)
class Jacobian:
    """How every output depends on every entry of one argument.

    Attributes
    ----------
    numeric, analytic : array, shape (M, K)
        Equations (1) and (2); M counts the outputs, all in a row, K the entries. Columns on a kink are NaN.
    uncertainty : array, shape (M, K)
        Of `numeric`.
    """

    numeric: np.ndarray
    analytic: np.ndarray
    uncertainty: np.ndarray

    @property
    def depends(self) -> np.ndarray:
        """Where J is not zero; array of bool, shape (M, K)."""
        return np.abs(np.nan_to_num(self.numeric)) > self.threshold

    @property
    def flows(self) -> np.ndarray:
        """Where A is not zero; array of bool, shape (M, K)."""
        return np.abs(self.analytic) > VISIBLE * np.abs(self.analytic).max(initial=0.0)

    @property
    def threshold(self) -> np.ndarray:
        """What cannot be told from zero in `numeric`."""
        return VISIBLE * np.nanmax(np.abs(self.numeric), initial=0.0) + np.nan_to_num(self.uncertainty, nan=np.inf)

    @property
    def agree(self) -> np.ndarray:
        """Where A equals J; array of bool, shape (M, K)."""
        return ~(np.abs(self.analytic - self.numeric) > 10 * self.threshold)


def jacobian(case: Case, i: int) -> Jacobian | None:
    """Both Jacobians of argument i; None if they are too large, or backward does not repeat itself."""
    return case.remember(("jacobian", i), lambda: _jacobian(case, i))


def _jacobian(case: Case, i: int) -> Jacobian | None:
    x, outputs = case.pair.arguments[i], case.conduct.call.outputs
    count = sum(y.size for y in outputs)
    if not count or not x.size or count * x.size > MOST_NUMBERS or CALLS_AN_ENTRY * x.size > SHARE * case.budget:
        return None
    if case.conduct.backward_drift:
        return None
    if not case.conduct.is_measurable or case.arguments[i].analytic.shape != x.shape:
        return None
    analytic = case.remember("analytic Jacobians", lambda: _analytic(case, count))
    if analytic is None or i not in analytic:
        return None
    numeric = _numeric(case, i, count)
    return None if numeric is None else Jacobian(numeric[0], analytic[i], numeric[1])


def _analytic(case: Case, count: int) -> dict[int, np.ndarray] | None:
    """Equation (2) for all arguments."""
    call = case.pair.forward()
    rows: dict[int, list[np.ndarray]] = {i: [] for i in case.conduct.gradients}
    deadline = time.perf_counter() + MOST_SECONDS
    for j in range(count):
        flat = np.zeros(count)
        flat[j] = 1.0
        try:
            gradients = case.pair.backward(unflatten(flat, call.outputs), call)
        except Exception:  # whatever the learner's code raises for such a dy
            return None
        for i in rows:
            rows[i].append(np.asarray(gradients[i], np.float64).ravel() if i in gradients else np.zeros(0))
        if time.perf_counter() > deadline:
            return None
    return {i: np.array(each) for i, each in rows.items() if len({len(row) for row in each}) == 1}


def _numeric(case: Case, i: int, count: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Equation (1) with its uncertainty."""
    x = case.pair.arguments[i]
    flat = x.reshape(-1)
    values, uncertainty = np.full((count, x.size), np.nan), np.full((count, x.size), np.inf)
    largest = max(float(np.abs(y).max(initial=0.0)) for y in case.conduct.call.outputs)
    step = _power_of_two(FIRST_STEP * spread(x))
    deadline = time.perf_counter() + MOST_SECONDS
    for k in range(x.size):
        here = flat[k]
        try:
            moved = []
            for offset in (-step, -step / 2, step / 2, step):
                flat[k] = here + offset
                moved.append(np.concatenate([y.ravel() for y in case.pair.outputs()]))
        except Exception:  # outside of what forward takes
            return None
        finally:
            flat[k] = here
        if len({len(each) for each in moved}) > 1 or len(moved[0]) != count or time.perf_counter() > deadline:
            return None
        if not case.arguments[i].kinks.flat[k]:
            values[:, k], uncertainty[:, k] = _richardson(moved, step, largest)
    return values, uncertainty


def _richardson(moved: list[np.ndarray], step: float, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives from the values at x - h, x - h/2, x + h/2, x + h, and their uncertainty."""
    left, near_left, near_right, right = moved
    coarse, fine = (right - left) / (2 * step), (near_right - near_left) / step
    return (4 * fine - coarse) / 3, np.abs(coarse - fine) + ROUNDING * largest / step


def slopes(pair: Pair, i: int, direction: np.ndarray) -> tuple[list[np.ndarray], float] | None:
    """How all outputs change when argument i moves along a direction: J v.

    Returns
    -------
    list of array
        J v, shaped like the outputs.
    float
        Largest uncertainty among them. None instead of both if there is no answer.
    """
    x = pair.arguments[i]
    here, best = x.copy(), None
    try:
        first = [np.asarray(y) for y in pair.outputs()]
        largest = max(float(np.abs(y).max(initial=0.0)) for y in first)
        for share in STEPS:
            step = _power_of_two(share * spread(here) / (np.abs(direction).max(initial=0.0) or 1.0))
            moved = []
            for offset in (-step, -step / 2, step / 2, step):
                x[...] = here + offset * direction
                moved.append(np.concatenate([y.ravel() for y in pair.outputs()]))
            value, error = _richardson(moved, step, largest)
            uncertainty = float(error.max(initial=0.0))
            if np.isfinite(uncertainty) and (best is None or uncertainty < best[1]):
                best = value, uncertainty
            if best and best[1] < GOOD_SLOPE * np.abs(best[0]).max(initial=0.0):
                break
    except Exception:  # outside of what forward takes
        return None
    finally:
        x[...] = here
    return None if best is None else (unflatten(best[0], first), best[1])


def analytic_gradients(pair: Pair, dy: list[np.ndarray]) -> Gradients | None:
    """backward's answer at the pair's present arguments; None if it raises."""
    try:
        call = pair.forward()
        return pair.backward([d.copy() for d in dy], call)
    except Exception:  # outside of what the pair takes
        return None


def numeric_gradient(pair: Pair, dy: list[np.ndarray], i: int) -> tuple[np.ndarray, np.ndarray] | None:
    """dL/dx of one argument at the pair's present arguments, and its uncertainty; None if there is no answer."""
    x = pair.arguments[i]
    flat, weights = x.reshape(-1), np.concatenate([d.ravel() for d in dy])
    values, uncertainty = np.empty(x.size), np.empty(x.size)
    step = _power_of_two(FIRST_STEP * spread(x))
    try:
        first = np.concatenate([y.ravel() for y in pair.outputs()])
        size = float(np.sqrt(np.sum((weights * first) ** 2)))
        for k in range(x.size):
            here, moved = flat[k], []
            try:
                for offset in (-step, -step / 2, step / 2, step):
                    flat[k] = here + offset
                    y = np.concatenate([part.ravel() for part in pair.outputs()])
                    moved.append(np.asarray(np.dot(weights, y - first)))
            finally:
                flat[k] = here
            values[k], uncertainty[k] = _richardson(moved, step, size)
    except Exception:  # outside of what forward takes
        return None
    return values.reshape(x.shape), uncertainty.reshape(x.shape)


def unflatten(flat: np.ndarray, like: list[np.ndarray]) -> list[np.ndarray]:
    """Cut a row of numbers into arrays shaped like those given."""
    ends = np.cumsum([y.size for y in like])
    return [part.reshape(y.shape) for part, y in zip(np.split(flat, ends[:-1]), like, strict=True)]


def _power_of_two(x: float) -> float:
    return float(2.0 ** np.round(np.log2(x)))


def several(case: Case, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Analytic and numeric gradient of argument i and the uncertainty, for several dy along a new first axis.

    The first is the one of the report. There is only this one where the Jacobian is too large, or y one number.
    """
    return case.remember(("several", i), lambda: _several(case, i))


def _several(case: Case, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a = case.arguments[i]
    first = a.analytic.astype(np.float64), a.numeric, a.uncertainty
    found = jacobian(case, i) if sum(y.size for y in case.conduct.call.outputs) > 1 else None
    if found is None:
        return tuple(each[None] for each in first)
    dy = np.random.default_rng(0).uniform(0.5, 1.5, (OTHER_DY, len(found.numeric))) * np.random.default_rng(1).choice(
        (-1.0, 1.0), (OTHER_DY, len(found.numeric))
    )
    others = dy @ found.analytic, dy @ found.numeric, np.abs(dy) @ np.nan_to_num(found.uncertainty)
    return tuple(
        np.concatenate([own[None], other.reshape(OTHER_DY, *a.shape)]) for own, other in zip(first, others, strict=True)
    )
