"""Recognise a normalization, and over which axes it goes. Equations as in normalization.py.

For each choice of gamma and beta among the arguments, and each set of axes: if y - beta = a gamma (x - mu) with one
number a for each group of entries, then std = 1 / a, and eps = std^2 - var has to be the same for all groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations, permutations

import numpy as np

from .factors import IMAGES
from .normalization import RMS_STEPS, STEPS
from .normalization_mistakes import MISTAKES, mistakes_of_axes
from .operation import Gradient, Operation
from .problem import SAME, Problem

MOST_AXES = 5
ROUND_EPS = 0.02  # relative: an eps so near to a power of ten is that number
LARGEST_EPS = 0.1  # of the variance, unless it is a power of ten: of one group alone, any eps makes a norm


def recognise(problem: Problem) -> Iterator[Operation]:
    """The normalization that gives y, if there is one."""
    if not problem.hints("norm") or not 1 <= problem.y.ndim <= MOST_AXES:
        return
    for x_at, x in problem.arrays.items():
        if x.shape != problem.y.shape:
            continue
        others = [i for i in problem.arrays if i != x_at]
        for gamma_at, beta_at in _roles(others):
            for gamma, beta in _placed(problem, gamma_at, beta_at, x.shape):
                for shape, axes in _groupings(x.shape):
                    for centred in (True, False):
                        found = _fit(problem.y, x, gamma, beta, shape, axes, centred)
                        if found:
                            given = {**found, "x": x, "y": problem.y, "dy": problem.dy, "gamma": gamma, "beta": beta}
                            yield from _forms(given, problem, x_at, gamma_at, beta_at)
                            return


def _roles(others: list[int]) -> Iterator[tuple[int | None, int | None]]:
    """Which arguments are gamma and beta; every one has to be something."""
    if len(others) == 0:
        yield None, None
    elif len(others) == 1:
        yield others[0], None
        yield None, others[0]
    elif len(others) == 2:
        yield from permutations(others)


def _placed(
    problem: Problem, gamma_at: int | None, beta_at: int | None, shape: tuple[int, ...]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Gamma and beta with as many axes as x, in every way that fits its shape."""
    gammas = [np.ones((1,) * len(shape))] if gamma_at is None else placements(problem.arrays[gamma_at], shape)
    betas = [np.zeros((1,) * len(shape))] if beta_at is None else placements(problem.arrays[beta_at], shape)
    for gamma in gammas:
        for beta in betas:
            if gamma_at is None or beta_at is None or gamma.shape == beta.shape:
                yield gamma, beta


def placements(parameter: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """The parameter with as many axes as `shape`, in every way that broadcasts to it: as NumPy does, or along an axis.

    Parameters
    ----------
    parameter : array
    shape : tuple of int

    Returns
    -------
    list of array
    """
    found = {}
    if parameter.ndim <= len(shape):
        aligned = parameter.reshape((1,) * (len(shape) - parameter.ndim) + parameter.shape)
        if all(p in (1, s) for p, s in zip(aligned.shape, shape, strict=True)):
            found[aligned.shape] = aligned
    if parameter.size == max(parameter.shape, default=1):
        for axis, length in enumerate(shape):
            if length == parameter.size:
                along = tuple(length if k == axis else 1 for k in range(len(shape)))
                found.setdefault(along, parameter.reshape(along))
    return list(found.values())


def _groupings(shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """A shape to work in and the axes to reduce; at first x's own, then its channels split into groups."""
    yield from ((shape, axes) for axes in axes_sets(shape))
    for channel in dict.fromkeys((1, len(shape) - 1)):
        if 1 <= channel < len(shape):
            for groups in range(2, shape[channel]):
                if shape[channel] % groups == 0:
                    split = (*shape[:channel], groups, shape[channel] // groups, *shape[channel + 1 :])
                    yield split, tuple(k for k in range(1, len(split)) if k != channel)


def axes_sets(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Every set of axes that holds more than one entry, axes of length 1 left out."""
    axes = [k for k, length in enumerate(shape) if length > 1]
    return list(chain.from_iterable(combinations(axes, count) for count in range(1, len(axes) + 1)))


def _fit(
    y: np.ndarray,
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    centred: bool,
) -> dict | None:
    """The options of the norm over these axes, if it gives y."""
    x = x.reshape(shape)
    deviation = x - x.mean(axis=axes, keepdims=True) if centred else x
    target = (y - beta).reshape(shape)
    model = deviation * np.broadcast_to(gamma, y.shape).reshape(shape)
    with np.errstate(all="ignore"):
        slope = (target * model).sum(axis=axes, keepdims=True) / (model**2).sum(axis=axes, keepdims=True)
    slope = np.nan_to_num(slope, nan=0.0)
    size = np.abs(target).max(initial=0.0)
    if not size or np.abs(target - slope * model).max() > SAME * size or np.any(slope < 0) or not slope.any():
        return None
    return _fit_eps(slope, (deviation**2).mean(axis=axes, keepdims=True), _count(shape, axes), shape, axes, centred)


def _fit_eps(
    slope: np.ndarray, var: np.ndarray, count: int, shape: tuple[int, ...], axes: tuple[int, ...], centred: bool
) -> dict | None:
    """Eps, its place, and the variance's count, from the std of each group."""
    known = slope > 0
    std, var = 1 / slope[known], var[known]
    fits = []
    for correction in (1.0, count / (count - 1)):
        for outside, eps in ((False, std**2 - correction * var), (True, std - np.sqrt(correction * var))):
            size = std.max() if outside else (std**2).max()
            eps, spread = float(np.median(eps)), float(np.ptp(eps))
            if spread <= 100 * SAME * size and eps >= -100 * SAME * size:
                eps, is_round = _rounded(eps, size)
                if is_round or (len(std) > 1 and eps < LARGEST_EPS * size):
                    fits.append((not is_round, correction != 1, outside, eps))
    if not fits:
        return None
    _, corrected, outside, eps = min(fits)
    correction = count / (count - 1) if corrected else 1.0
    return {
        "shape": shape, "axes": axes, "centred": centred, "eps": eps, "eps_outside": outside,
        "correction": correction, "count": count,
    }  # fmt: skip


def _rounded(eps: float, size: float) -> tuple[float, bool]:
    """The power of ten that eps probably is, and whether it is one (or 0)."""
    if eps < SAME * size:
        return max(eps, 0.0) if eps > 0 else 0.0, True
    power = 10.0 ** round(float(np.log10(eps)))
    if abs(eps - power) <= ROUND_EPS * eps:
        return power, True
    return eps, False


def _count(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    return int(np.prod([shape[k] for k in axes]))


def _forms(given: dict, problem: Problem, x_at: int, gamma_at: int | None, beta_at: int | None) -> Iterator[Operation]:
    """The operation with gamma before the means and, where that is the same, after them."""
    gamma, one = given["gamma"], np.ones((1,) * problem.y.ndim)
    groups = np.broadcast_to(gamma, problem.y.shape).reshape(given["shape"])
    given["gamma_varies"] = bool(np.ptp(groups, axis=given["axes"]).any())
    yield _operation({**given, "early_gamma": gamma, "late_gamma": one}, problem, x_at, gamma_at, beta_at)
    if not given["gamma_varies"] and gamma_at is not None:
        yield _operation({**given, "early_gamma": one, "late_gamma": gamma}, problem, x_at, gamma_at, beta_at)


def _operation(given: dict, problem: Problem, x_at: int, gamma_at: int | None, beta_at: int | None) -> Operation:
    x, shape, axes, gamma, beta = (given[name] for name in ("x", "shape", "axes", "gamma", "beta"))
    given |= {"gamma_axes": _broadcast_axes(gamma, x.shape), "beta_axes": _broadcast_axes(beta, x.shape)}
    gradients = {x_at: Gradient("dx")}
    for at, step in ((gamma_at, "dgamma"), (beta_at, "dbeta")):
        if at is not None:
            gradients[at] = Gradient(step, lambda g, at=at: g.reshape(problem.arrays[at].shape))
    others = [other for other in axes_sets(shape) if other != axes]
    count = given["count"]
    counts = {
        IMAGES: shape[0], "entries in each mean": count, "entries in each mean, less one": count - 1,
        **{f"entries along axis {k}": length for k, length in enumerate(shape)}, "entries of x": x.size,
    }  # fmt: skip
    return Operation(
        name=_name(given),
        given=given,
        steps=STEPS if given["centred"] else RMS_STEPS,
        mistakes=(*MISTAKES, *mistakes_of_axes(axes, others)),
        gradients=gradients,
        counts=counts | {"entries in each mean by that less one": count / (count - 1)},
    )


def _name(given: dict) -> str:
    what = "normalization" if given["centred"] else "RMS normalization"
    work = "" if given["shape"] == given["x"].shape else f" of x reshaped to {given['shape']}"
    outside = ", outside the root" if given["eps_outside"] else ""
    divided = outside + (", variance with M - 1" if given["correction"] != 1 else "")
    return f"a {what}{work} over axes {given['axes']}, eps {given['eps']:.2g}{divided}"


def _broadcast_axes(parameter: np.ndarray, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(k for k, (p, s) in enumerate(zip(parameter.shape, shape, strict=True)) if p == 1 and s > 1)
