"""Arguments too large to be measured entry by entry: along random directions first.

For a random direction v that moves every entry, up or down by about the same amount, with t a number:

    d/dt L(x + t v) = sum over k of v_k dL/dx_k                                                     (1)

One measurement, four or so calls of forward, tests all entries at once: a wrong gradient misses (1) in all but a set of
directions of measure 0. Where it is missed, the argument is cut in two, again and again, each half tested by itself,
and the search goes on in the halves that disagree, down to single entries: these are then measured like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .numeric import differentiate, spread

COUNT = 3
MOST_AT_ONCE = 2  # parts that are searched side by side: if much is wrong, a few entries will do
ROUNDING = 1e-13  # of the terms of (1)


@dataclass(frozen=True)
class Direction:
    """Both sides of equation (1).

    Attributes
    ----------
    analytic, numeric, uncertainty : float
    is_kink : bool
        Whether L has no derivative along it.
    scale : float
        Root of the sum of (v_k a_k)^2: what the rounding of the analytic side grows with.
    """

    analytic: float
    numeric: float
    uncertainty: float
    is_kink: bool
    scale: float

    def disagrees(self, tolerance: float) -> bool:
        """Whether (1) is missed by more than the tolerance and the uncertainty."""
        largest = max(abs(self.analytic), abs(self.numeric))
        allowed = tolerance * largest + self.uncertainty + ROUNDING * self.scale
        return not self.is_kink and not abs(self.analytic - self.numeric) <= allowed


class Directions:
    """Random directions through one argument.

    Parameters
    ----------
    change : function () -> float
        As in `numeric.differentiate`.
    x : array of float64, contiguous
        Moved, and restored.
    analytic : array, shape of x
    size, noise, tolerance : float
        As in `differentiate`.
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        change: Callable[[], float],
        x: np.ndarray,
        analytic: np.ndarray,
        size: float,
        noise: float,
        tolerance: float,
        rng: np.random.Generator,
    ):
        self.change, self.x, self.analytic = change, x.reshape(-1), analytic.ravel().astype(np.float64)
        self.size, self.noise, self.tolerance, self.rng = size, noise, tolerance, rng
        self.spread = spread(x)

    def through(self, part: slice) -> Direction:
        """One direction that moves the entries of a part."""
        here = self.x[part].copy()
        v = self.spread * self.rng.uniform(0.5, 1.5, here.shape) * self.rng.choice((-1.0, 1.0), here.shape)
        t = np.zeros(1)

        def change() -> float:
            self.x[part] = here + t[0] * v
            return self.change()

        try:
            found = differentiate(
                change, t, np.array([0]), size=self.size, noise=self.noise, tolerance=self.tolerance, max_evaluations=40
            )
        finally:
            self.x[part] = here
        terms = v * self.analytic[part]
        with np.errstate(all="ignore"):
            scale = float(np.sqrt(np.sum(terms**2)))
        return Direction(
            float(terms.sum()), float(found.values[0]), float(found.uncertainty[0]), bool(found.kinks[0]), scale
        )

    def search(self, calls_left: Callable[[], int]) -> np.ndarray:
        """Single entries where the gradient disagrees, found by cutting the argument in two.

        Parameters
        ----------
        calls_left : function () -> int
            How often forward may still be called.
        """
        parts = [slice(0, len(self.x))]
        while parts and any(part.stop - part.start > 1 for part in parts):
            halves = [half for part in parts for half in _halves(part)]
            parts = []
            for half in halves:
                if calls_left() <= 0:
                    return np.array([part.start for part in parts if part.stop - part.start == 1], int)
                if self.through(half).disagrees(self.tolerance):
                    parts.append(half)
                if len(parts) == MOST_AT_ONCE:
                    break
        return np.array([part.start for part in parts], int)


def _halves(part: slice) -> list[slice]:
    if part.stop - part.start == 1:
        return [part]
    middle = (part.start + part.stop) // 2
    return [slice(part.start, middle), slice(middle, part.stop)]
