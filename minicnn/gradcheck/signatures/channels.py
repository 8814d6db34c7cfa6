"""What a factor per channel is: gamma, a standard deviation, or a power of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ..case import Case

SAME = 1e-6  # relative
LARGEST_EPS = 1e-1  # of the variance: what may be added to it under the root
POWERS = {1.0: "{}", -1.0: "1/{}", 0.5: "sqrt({})", -0.5: "1/sqrt({})", 2.0: "{}^2", -2.0: "1/{}^2"}


def name_factors(case: Case, i: int, factors: np.ndarray, kept: tuple[int, ...]) -> str | None:
    """A formula for factors along the axes `kept` of argument i, such as "1/gamma"; None if nothing fits."""
    values = factors.ravel()
    shape = tuple(length for axis, length in enumerate(factors.shape) if axis in kept)
    known = ~np.isnan(values)
    if np.count_nonzero(known) < 2:
        return None
    for name, vector in _vectors(case, shape):
        formula = _as_power(values[known], vector.ravel()[known], name)
        if formula:
            return formula
    for name, variance in _variances(case, shape):
        formula = _as_power_of_variance(values[known], variance.ravel()[known], name)
        if formula:
            return formula
    return None


def _as_power(values: np.ndarray, vector: np.ndarray, name: str) -> str | None:
    """values = constant * vector^q."""
    if np.any(vector == 0):
        return None
    for power, words in POWERS.items():
        if power not in (1.0, -1.0, 2.0, -2.0) and np.any(vector < 0):
            continue
        ratio = values / np.sign(vector) ** int(abs(power) == 1) / np.abs(vector) ** power
        constant = float(np.median(ratio))
        if constant and np.abs(ratio - constant).max() < SAME * abs(constant):
            formula = words.format(name)
            return formula if abs(constant - 1) < SAME else f"{constant:.6g} * {formula}"
    return None


def _as_power_of_variance(values: np.ndarray, variance: np.ndarray, name: str) -> str | None:
    """values = (variance + eps)^q, eps being the same in all."""
    if np.any(values <= 0):
        return None
    for power, words in (
        (0.5, "sqrt(var + eps)"),
        (-0.5, "1/sqrt(var + eps)"),
        (1.0, "var + eps"),
        (-1.0, "1/(var + eps)"),
    ):
        with np.errstate(all="ignore"):
            eps = values ** (1 / power) - variance
        middle = float(np.median(eps))
        size = float(variance.max())
        if np.abs(eps - middle).max() < SAME * size and -SAME * size < middle < LARGEST_EPS * size:
            return f"{words}, var being {name}" + (f", eps = {max(middle, 0.0):.1e}" if middle > SAME * size else "")
    return None


def _vectors(case: Case, shape: tuple[int, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """Arguments of this shape, axes of length 1 apart."""
    long = tuple(length for length in shape if length > 1)
    for name, argument in zip(case.pair.names, case.pair.arguments, strict=True):
        if isinstance(argument, np.ndarray) and tuple(n for n in argument.shape if n > 1) == long:
            yield name, argument.astype(np.float64)


def _variances(case: Case, shape: tuple[int, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """Variances of arguments over the axes that leave this shape; their mean squares too."""
    for k in case.pair.floats:
        argument = case.pair.arguments[k]
        for axes in combinations(range(argument.ndim), len(shape)):
            if tuple(argument.shape[axis] for axis in axes) == shape and len(axes) < argument.ndim:
                others = tuple(axis for axis in range(argument.ndim) if axis not in axes)
                name = (
                    f"{case.pair.names[k]} over axes {others}"
                    if len(others) > 1
                    else (f"{case.pair.names[k]} over axis {others[0]}")
                )
                yield f"the variance of {name}", argument.var(axis=others)
                yield f"the mean square of {name}", (argument**2).mean(axis=others)
