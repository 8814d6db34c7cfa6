"""Numeric derivatives, each with an estimate of its own error.

For one entry x_i of an argument and a small step h along it, with L = sum over j of dy_j y_j:

    D(h)  = (L(x+h) - L(x-h)) / 2h                    central difference; error O(h^2)              (1)
    R     = (4 D(h/2) - D(h)) / 3                     Richardson extrapolation; error O(h^4)        (2)
    G(h)  = (L(x+h) - 2 L(x) + L(x-h)) / h            slope on the right minus slope on the left    (3)

Where L is smooth, the gap of the slopes G(h) shrinks with h: G(h) = 2 G(h/2) up to O(h^3). On a kink (ReLU at 0, tied
maxima) the slopes differ however small h is, and G(h) = G(h/2). Together they say how far R can be trusted:

    u = |D(h) - D(h/2)|  +  |G(h) - 2 G(h/2)|  +  8 noise / h                                       (4)
           truncation           roughness           rounding

Truncation is what the extrapolation had to mend, more than what it left. Roughness is a fourth difference of L: next to
nothing where L is smooth, the jump of the slope on a kink. Rounding comes from the noise of L (noise.py).
Truncation grows with h and rounding falls, so that each entry has a best h between them. The search starts at a small
share of the argument's spread and goes up where rounding is the largest part of (4), down where another is. An entry
whose slopes still disagree at the smallest step has no derivative here.

Source: Richardson, Philosophical Transactions of the Royal Society A 210, 1911 (2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FIRST_STEP = 2.0**-14  # of the argument's spread
SMALLEST_STEP = 2.0**-40  # of the argument's spread
LARGEST_STEP = 1.0  # of the argument's largest value
SMALLEST_STEP_IN_ULPS = 2.0**8  # of the entry: below, x + h says little about h
MOST_STEPS = 7  # tried for one entry
EVALUATIONS_A_STEP = 4
PRECISION = 0.1  # wanted: an uncertainty of this share of the tolerance ...
SMALL_ENTRY = 0.1  # ... for an entry of this share of the largest gradient, and the same in absolute terms for smaller
ROUNDING_SAFETY = 8.0  # R has a standard deviation of 1.9 noise / h
ROUGH = 8.0  # times the rounding: roughness beyond is no noise
UNSETTLED = 1e-4  # relative uncertainty above which a rough entry counts as a kink
JUMP = 1e-3  # of the size of L: no rounding is as large


@dataclass(frozen=True)
class NumericGradient:
    """Derivatives of L by some entries of one argument.

    Attributes
    ----------
    values : array, shape (K,)
        R of equation (2).
    uncertainty : array, shape (K,)
        u of equation (4), in units of the derivative.
    kinks : array of bool, shape (K,)
        Where L has no derivative: `values` mean nothing there.
    steps : array, shape (K,)
        h of the estimate taken.
    """

    values: np.ndarray
    uncertainty: np.ndarray
    kinks: np.ndarray
    steps: np.ndarray


def differentiate(
    change: Callable[[], float],
    x: np.ndarray,
    entries: np.ndarray,
    *,
    size: float,
    noise: float,
    tolerance: float,
    max_evaluations: int,
) -> NumericGradient:
    """Measure dL/dx at some entries of x.

    Parameters
    ----------
    change : function () -> float
        L at the present content of x, minus L at its first content. Best taken as a difference output by output, so
        that a large constant part of L leaves no rounding behind.
    x : array of float64, contiguous
        Changed one entry at a time, and restored.
    entries : array of int, shape (K,)
        Positions in the flattened x.
    size, noise : float
        How large L is as a sum of parts, and its rounding noise; in units of L.
    tolerance : float
        The relative error that the derivatives are to be judged by.
    max_evaluations : int
        When they are spent, no entry gets another step size. The first is always tried.

    Returns
    -------
    NumericGradient
    """
    flat = x.reshape(-1)
    search = _StepSearch(flat[entries], spread(x), _largest(x), size, noise, PRECISION * tolerance)
    pending, left = np.arange(len(entries)), max(max_evaluations, EVALUATIONS_A_STEP * len(entries))
    for _ in range(MOST_STEPS):
        pending = pending[: left // EVALUATIONS_A_STEP]
        if not pending.size:
            break
        changes = np.array([_around(change, flat, entries[k], search.step[k]) for k in pending])
        left -= changes.size
        search.take(pending, changes)
        pending = search.choose_next(pending)
    return search.result()


def spread(x: np.ndarray) -> float:
    """How far apart the argument's values lie; for equal values their size, and 1 for zeros."""
    largest = _largest(x)
    deviation = float(np.std(x / largest)) * largest if x.size else 0.0
    return deviation if deviation > 1e-12 * largest else largest


def _largest(x: np.ndarray) -> float:
    return float(np.abs(x).max(initial=0.0)) or 1.0


def _around(change: Callable[[], float], flat: np.ndarray, entry: int, step: float) -> list[float]:
    """Change of L at x - h, x - h/2, x + h/2 and x + h."""
    here = flat[entry]
    changes = []
    try:
        for offset in (-step, -step / 2, step / 2, step):
            flat[entry] = here + offset
            changes.append(change())
    finally:
        flat[entry] = here
    return changes


@dataclass
class _Estimate:
    """Equations (2) and (4) for several entries."""

    step: np.ndarray
    value: np.ndarray
    truncation: np.ndarray
    roughness: np.ndarray

    @classmethod
    def none(cls, count: int, step: np.ndarray) -> _Estimate:
        """Nothing is known yet."""
        return cls(step.copy(), np.zeros(count), np.full(count, np.inf), np.full(count, np.inf))

    @classmethod
    def of(cls, changes: np.ndarray, h: np.ndarray, x: np.ndarray) -> _Estimate:
        """From the changes of L at x - h, x - h/2, x + h/2 and x + h."""
        left, near_left, near_right, right = changes.T
        missed = np.max([np.abs(((x + p) - x) - p) for p in (-h, -h / 2, h / 2, h)], axis=0)  # x + h had to be rounded
        with np.errstate(over="ignore", invalid="ignore"):
            coarse, fine = (right - left) / (2 * h), (near_right - near_left) / h  # (1)
            value = (4 * fine - coarse) / 3  # (2)
            gap, near_gap = (right + left) / h, (near_right + near_left) / (h / 2)  # (3); at x itself the change is 0
            truncation = np.abs(coarse - fine) + 2 * missed / h * np.abs(value)
            roughness = np.abs(gap - 2 * near_gap)
            lost = ~np.isfinite(value + truncation + roughness)
        value[lost], truncation[lost], roughness[lost] = 0, np.inf, np.inf
        return cls(h.copy(), value, truncation, roughness)

    def rounding(self, noise: float) -> np.ndarray:
        """Third term of equation (4)."""
        return ROUNDING_SAFETY * noise / self.step

    def uncertainty(self, noise: float) -> np.ndarray:
        """u of equation (4)."""
        return self.truncation + self.roughness + self.rounding(noise)

    def at(self, who: np.ndarray) -> _Estimate:
        """The estimates of some entries."""
        return _Estimate(self.step[who], self.value[who], self.truncation[who], self.roughness[who])

    def put(self, who: np.ndarray, new: _Estimate) -> None:
        """Replace the estimates of some entries."""
        self.step[who], self.value[who] = new.step, new.value
        self.truncation[who], self.roughness[who] = new.truncation, new.roughness


class _StepSearch:
    """The best estimate of each entry so far, and the step to try next. Arrays have one item an entry."""

    def __init__(self, points: np.ndarray, spread: float, largest: float, size: float, noise: float, precision: float):
        self.points, self.size, self.noise, self.precision = points, size, noise, precision
        count = len(points)
        self.smallest = _power_of_two(
            np.maximum(SMALLEST_STEP * spread, SMALLEST_STEP_IN_ULPS * np.spacing(abs(points)))
        )
        self.largest = np.maximum(_power_of_two(np.full(count, LARGEST_STEP * largest)), self.smallest)
        self.step = np.clip(_power_of_two(np.full(count, FIRST_STEP * spread)), self.smallest, self.largest)
        self.first_step = self.step.copy()
        self.too_small, self.too_large = np.zeros(count), np.full(count, np.inf)
        self.latest = _Estimate.none(count, self.step)
        self.best = _Estimate.none(count, self.step)
        self.finest = _Estimate.none(count, np.full(count, np.inf))  # at the smallest step so far

    def take(self, who: np.ndarray, changes: np.ndarray) -> None:
        """Take in L's changes around the entries `who`."""
        new = _Estimate.of(changes, self.step[who], self.points[who])
        self.latest.put(who, new)
        old, u_new, u_old = self.best.at(who), new.uncertainty(self.noise), self.best.uncertainty(self.noise)[who]
        finer = new.step < self.finest.step[who]
        # Where two steps contradict each other, the smaller one is right: the larger saw something far from the point.
        contradiction = np.abs(new.value - old.value) > 2 * (u_new + u_old)
        better = np.where(contradiction, new.step < old.step, u_new < u_old)
        for estimate, chosen in ((self.best, better), (self.finest, finer)):
            estimate.put(who[chosen], new.at(chosen))

    def choose_next(self, who: np.ndarray) -> np.ndarray:
        """Set the next step of the entries `who`, and return those that need one."""
        now, wanted = self.latest.at(who), self.wanted()[who]
        rounding, others = now.rounding(self.noise), np.maximum(now.truncation, now.roughness)
        up = rounding >= others
        low = np.where(up, np.maximum(self.too_small[who], now.step), self.too_small[who])
        high = np.where(up, self.too_large[who], np.minimum(self.too_large[who], now.step))
        self.too_small[who], self.too_large[who] = low, high
        with np.errstate(all="ignore"):
            grow = np.clip(np.nan_to_num(4 * rounding / wanted), 2.0**3, 2.0**12)  # rounding falls as 1 / h
            shrink = np.clip(np.nan_to_num(np.sqrt(wanted / others) / 2), 2.0**-6, 2.0**-2)  # truncation as h^2
        proposal = _power_of_two(now.step * np.where(up, grow, shrink))
        between = _power_of_two(np.sqrt(np.maximum(low, self.smallest[who]) * np.minimum(high, self.largest[who])))
        proposal = np.where((low < proposal) & (proposal < high), proposal, between)
        proposal = np.clip(proposal, self.smallest[who], self.largest[who])
        self.step[who] = proposal
        return who[(now.uncertainty(self.noise) > wanted) & (low < proposal) & (proposal < high)]

    def wanted(self) -> np.ndarray:
        """The uncertainty that would do for each entry."""
        size = np.abs(self.best.value)
        known = size[self.best.uncertainty(self.noise) < size]
        return self.precision * np.maximum(size, SMALL_ENTRY * known.max(initial=0.0))

    def result(self) -> NumericGradient:
        """The best estimates, and which entries are kinks."""
        best, uncertainty = self.best, self.best.uncertainty(self.noise)
        rough, rounding = best.truncation + best.roughness, best.rounding(self.noise)
        unsettled = (uncertainty > self.wanted() * (UNSETTLED / self.precision)) & (rough > ROUGH * rounding)
        # The roughness of noise grows as 1/h when h falls, that of a kink does not; that of a jump does, but is large.
        with np.errstate(invalid="ignore"):
            grows = self.finest.roughness > np.sqrt(best.step / self.finest.step) * best.roughness
        kinks = unsettled & (~grows | ~np.isfinite(rough) | (best.roughness * best.step > JUMP * self.size))
        # What no step tells from 0 is a sum that cancels, and backward's own sum need not cancel any better.
        unresolved = np.abs(best.value) <= uncertainty
        at_first_step = ROUNDING_SAFETY * self.noise / np.minimum(self.first_step, best.step)
        uncertainty = np.where(unresolved, np.maximum(uncertainty, at_first_step), uncertainty)
        return NumericGradient(best.value, uncertainty, kinks, best.step)


def _power_of_two(x: np.ndarray) -> np.ndarray:
    """The power of two next to x > 0: mostly x + h is exact then, and the step taken is h."""
    return 2.0 ** np.round(np.log2(x))
