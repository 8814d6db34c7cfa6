"""Outputs treated as if they were independent, and paths left out: the structure of both Jacobians.

a_k = J_kk dy_k                        only the diagonal                                        (1)
a_k = sum over j with the same index along some axes of dy_j J_jk      only blocks              (2)
A - J diagonal, J not                  a path that goes entry by entry is missing or wrong      (3)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ..candidates import Candidate
from ..case import Case
from ..probe import Jacobian, jacobian

DIAGONAL, BLOCKS, PATH, BRANCH = 9, 11, 35, 7  # ranks
MOST_AXES = 5
CLEARLY, FEW = 100.0, 3  # how far beyond the threshold, and in how many entries, the diagonal must differ


def diagonal_jacobian(case: Case, i: int) -> Iterator[Candidate]:
    """Equations (1) and (2)."""
    a, found = case.arguments[i], jacobian(case, i)
    if found is None or len(case.conduct.dy) != 1 or not a.shape:
        return
    dy, shape = case.conduct.dy[0], case.conduct.dy[0].shape
    if not 0 < len(shape) <= MOST_AXES:
        return
    common = [axis for axis in range(min(len(shape), len(a.shape))) if shape[axis] == a.shape[axis] and shape[axis] > 1]
    blocks = found.numeric.reshape(*shape, *a.shape)
    contributions = dy.reshape(*shape, *(1,) * len(a.shape)) * blocks
    for count in range(len(common), 0, -1):
        for axes in combinations(common, count):
            mask = _same_index(shape, a.shape, axes)
            if not (found.depends.reshape(blocks.shape) & ~mask).any():
                continue  # independent indeed
            predicted = np.where(mask, contributions, 0.0).sum(axis=tuple(range(len(shape))))
            yield _candidate(case, i, axes, predicted, shape == a.shape)


def _candidate(case: Case, i: int, axes: tuple[int, ...], predicted: np.ndarray, same_shape: bool) -> Candidate:
    shape = case.arguments[i].shape
    words = f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"
    if same_shape and len(axes) == sum(length > 1 for length in shape):
        message = (
            "outputs are treated as if they were independent: each depends on several entries, but only the diagonal "
            "of the Jacobian is used, dy_k dy_k/dx_k. Softmax: dx = p * (dy - sum(dy * p)), not dy * p * (1 - p)."
        )
        return Candidate("diagonal-jacobian", message, predicted, {"axes": list(axes)}, DIAGONAL)
    message = (
        f"only outputs with the same index along {words} count, though others depend on the argument as well: the "
        f"gradient that comes from other indices along {words} is missing (through later time steps? neighbours?)."
    )
    return Candidate("term-missing", message, predicted, {"axes": list(axes)}, BLOCKS + len(shape) - len(axes))


def _same_index(of_output: tuple[int, ...], of_argument: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
    mask = np.ones((1,) * (len(of_output) + len(of_argument)), bool)
    for axis in axes:
        length = of_output[axis]
        shape = [1] * mask.ndim
        shape[axis] = shape[len(of_output) + axis] = length
        mask = mask & np.eye(length, dtype=bool).reshape(shape)
    return mask


def elementwise_path(case: Case, i: int) -> Iterator[Candidate]:
    """Equation (3), tested on the Jacobians themselves."""
    found = jacobian(case, i)
    if found is None or len(found.numeric) != found.numeric.shape[1] or np.isnan(found.numeric).any():
        return
    off = ~np.eye(len(found.numeric), dtype=bool)
    if not (found.depends & off).any():
        return
    differs = np.abs(np.diag(found.analytic - found.numeric)) > CLEARLY * np.diag(found.threshold)
    if found.agree[off].all() and np.count_nonzero(differs) >= FEW:
        yield _path(
            found,
            "a path that goes entry by entry is missing or wrong (a skip connection, a gate times the state): the "
            "error is dy times something, all else is right.",
        )


def outputs_ignored(case: Case, i: int) -> Iterator[Candidate]:
    """Nothing comes back through a whole slice of the outputs; all that does is right."""
    found, a = jacobian(case, i), case.arguments[i]
    if found is None or len(case.conduct.dy) != 1:
        return
    shape = case.conduct.dy[0].shape
    silent = (found.depends.any(axis=1) & ~found.flows.any(axis=1)).reshape(shape)
    for axis in range(1, len(shape)):
        others = tuple(k for k in range(len(shape)) if k != axis)
        slices = silent.all(axis=others)
        if not slices.any() or slices.all() or (silent & ~np.expand_dims(slices, others)).any():
            continue
        which = [int(k) for k in np.flatnonzero(slices)]
        weights = np.where(silent, 0.0, case.conduct.dy[0]).ravel()
        message = (
            f"no gradient comes back through some outputs, indices {which} of axis {axis}, though they depend on "
            f"{a.name}: that branch is forgotten."
        )
        predicted = (weights @ np.nan_to_num(found.numeric)).reshape(a.shape)
        yield Candidate("term-missing", message, predicted, {"axis": axis, "indices": which[:16]}, BRANCH)


def _path(found: Jacobian, message: str) -> Candidate:
    difference = np.diag(found.analytic - found.numeric)
    evidence = {"largest_difference_of_the_diagonal": float(np.abs(difference).max())}
    return Candidate("term-missing", message, None, evidence, PATH)
