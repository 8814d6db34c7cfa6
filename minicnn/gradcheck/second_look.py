"""A second look at entries that seem a little wrong, before they are called so.

The uncertainty of a numeric derivative (numeric.py) is an estimate, and three things can fool it:

- a first step far longer than a ripple of the function, at which both of its estimates agree by accident: a much
  smaller step contradicts them, and is right;
- values that lie on a coarse grid, such as sigmoid(x) - 1/2 near 0: steps of about the same length scatter more than
  the noise promised;
- a gradient that is a small difference of large numbers, such as sigmoid(z) - 1 for z = 35: it is as exact as float64
  lets it be, a few units of rounding of what the derivative is elsewhere.

An entry that is off by more than `LITTLE` is none of these.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .conduct import Conduct
from .numeric import NumericGradient, spread
from .pair import Pair
from .probe import slopes

LITTLE = 1e-3  # relative error
MOST_ENTRIES = 100
SHARES = (1 / 3, 1 / 5, 1 / 7, 1 / 64, 2.0**-10, 2.0**-16)  # of the step that was used
COMPARABLE = 3.0  # times the uncertainty: a step so much worse still counts for the scatter
SCATTER = 3.0  # the uncertainty is this times how far the others are off
ROUNDING = 8 * np.finfo(np.float64).eps
OTHER_POINTS = (0.5, 0.0)  # times the argument: where else a derivative's size is looked at


def look_again(
    change: Callable[[], float], x: np.ndarray, entries: np.ndarray, numeric: NumericGradient, noise: float
) -> NumericGradient:
    """Measure some entries once more at other steps.

    Parameters
    ----------
    change : function () -> float
        As in `differentiate`.
    x : array of float64, contiguous
        Changed one entry at a time, and restored.
    entries : array of int
        Which of the measured ones, as positions in `numeric`'s arrays, beside their positions in x: shape (K, 2).
    numeric : NumericGradient
    noise : float
        Rounding noise of L.

    Returns
    -------
    NumericGradient
        A copy of `numeric` with better values or larger uncertainties at these entries.
    """
    values, uncertainty = numeric.values.copy(), numeric.uncertainty.copy()
    flat = x.reshape(-1)
    for at, entry in entries[:MOST_ENTRIES]:
        for share in SHARES:
            step = float(2.0 ** np.round(np.log2(numeric.steps[at] * share)))
            if share > 1 / 8:
                step *= 2 * share / 2.0 ** np.ceil(np.log2(share))  # no power of two: another place on the grid
            if step < np.spacing(abs(flat[entry])) * 2**8:
                break
            value, error = _richardson(change, flat, entry, step)
            error += 8 * noise / step
            missed = abs(value - values[at])
            if error <= COMPARABLE * uncertainty[at]:
                uncertainty[at] = max(uncertainty[at], SCATTER * missed)
            elif missed > 2 * (error + uncertainty[at]):
                values[at], uncertainty[at] = value, error
    return NumericGradient(values, uncertainty, numeric.kinks, numeric.steps)


def rounding_of_the_gradient(pair: Pair, conduct: Conduct, i: int) -> float:
    """What float64 leaves of a gradient that is a small difference: rounding of its size at other points."""
    x = pair.arguments[i]
    direction = np.ones(x.shape)
    largest = 0.0
    for share in OTHER_POINTS:
        other = pair.at([share * a if k == i else a for k, a in enumerate(pair.arguments)])
        if not spread(other.arguments[i]):
            continue
        found = slopes(other, i, direction)
        if found is not None:
            largest = max(
                largest, *(float(np.abs(d * s).max(initial=0.0)) for d, s in zip(conduct.dy, found[0], strict=True))
            )
    return ROUNDING * largest


def _richardson(change: Callable[[], float], flat: np.ndarray, entry: int, step: float) -> tuple[float, float]:
    here, changes = flat[entry], []
    try:
        for offset in (-step, -step / 2, step / 2, step):
            flat[entry] = here + offset
            changes.append(change())
    finally:
        flat[entry] = here
    left, near_left, near_right, right = changes
    coarse, fine = (right - left) / (2 * step), (near_right - near_left) / step
    return (4 * fine - coarse) / 3, abs(coarse - fine)
