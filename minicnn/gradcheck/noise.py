"""The rounding noise of a function, from its own values.

Take a few values of L at equal steps so small that a smooth function is a straight line or a parabola over all of them.
Third differences of such values are zero, so that what they show is noise, of standard deviation sigma in each value:

    t_k = L_{k+3} - 3 L_{k+2} + 3 L_{k+1} - L_k,     mean of t_k^2 = (1 + 9 + 9 + 1) sigma^2        (1)

Should the steps not have been small enough, t falls with them, and smaller ones are taken until it no longer does. The
values lie a little beside the point itself: there, a kink that the point sits on leaves no trace.

Source: Moré & Wild, "Estimating derivatives of noisy simulations", ACM Transactions on Mathematical Software 38, 2012.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

POINTS = 6
BESIDE = 2.0**-14  # of the spread: how far from the point
SPACING = 2.0**-19  # of the spread
OFF_THE_GRID = 0.7390851332  # no simple fraction: at steps of a power of two all values may be rounded alike
FINER = 2.0**-8
SMALLEST_IN_ULPS = 2.0**4  # of the entry: closer points would round to the same ones
MOST_TRIES = 4
QUIET = 8.0  # times the rounding of one number: no need to look closer


def measure_noise(
    change: Callable[[], float], x: np.ndarray, entries: np.ndarray, spread: float, least: float
) -> float:
    """Measure the rounding noise of L.

    Parameters
    ----------
    change : function () -> float
        L at the present content of x, up to a constant.
    x : array of float64, contiguous
        Changed at `entries`, one at a time, and restored.
    entries : array of int
        Positions in the flattened x.
    spread : float
        The size of typical differences in x.
    least : float
        What L must carry at least, in units of L: the rounding of its own value.

    Returns
    -------
    float
        Standard deviation of the noise, in units of L: the largest found.
    """
    flat = x.reshape(-1)
    return max([least, *(_noise_along(change, flat, entry, spread, least) for entry in entries)])


def _noise_along(change: Callable[[], float], flat: np.ndarray, entry: int, spread: float, least: float) -> float:
    ulp = float(np.spacing(abs(flat[entry])))
    beside = _power_of_two(max(BESIDE * spread, 2 * POINTS * SMALLEST_IN_ULPS * ulp))
    spacing = _power_of_two(max(SPACING * spread, SMALLEST_IN_ULPS * ulp))
    noise = np.inf
    for _ in range(MOST_TRIES):
        values = _values(change, flat, entry, beside + spacing * OFF_THE_GRID * np.arange(POINTS))
        third = np.diff(values, 3)
        found = float(np.sqrt(np.mean(third**2) / 20)) if np.isfinite(third).all() else np.inf  # (1)
        no_longer_falls = found > noise / 16
        noise, spacing = min(noise, found), spacing * FINER
        if noise < QUIET * least or no_longer_falls or spacing < SMALLEST_IN_ULPS * ulp:
            break
    return noise if np.isfinite(noise) else least


def _values(change: Callable[[], float], flat: np.ndarray, entry: int, offsets: np.ndarray) -> np.ndarray:
    here = flat[entry]
    values = []
    try:
        for offset in offsets:
            flat[entry] = here + offset
            values.append(change())
    finally:
        flat[entry] = here
    return np.array(values)


def _power_of_two(x: float) -> float:
    return float(2.0 ** np.round(np.log2(x)))
