"""What would give a gradient the shape of its variable.

The usual ways to miss it: a broadcast that was not summed up again, a product in the wrong order, `keepdims=True`, a
padding that was not cropped, dy summed over the wrong axis. Each is tried, and where the numbers agree afterwards, it
is the one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations, permutations

import numpy as np

CLOSE = 1e-6  # relative: two gradients that agree so far are the same one
MOST_AXES = 6  # beyond, trying every order of the axes takes too long


def remedy(
    gradient: np.ndarray, shape: tuple[int, ...], numeric: np.ndarray, dy: Sequence[np.ndarray] = ()
) -> tuple[str, bool]:
    """Find what turns `gradient` into an array of shape `shape`.

    Parameters
    ----------
    gradient : array
        As backward returned it.
    shape : tuple of int
        Of the variable.
    numeric : array of shape `shape`
        Measured derivatives, NaN where unknown.
    dy : sequence of array
        Upstream gradients, one an output.

    Returns
    -------
    advice : str
        What to do, such as "sum over axis 0"; empty if nothing fits.
    agrees : bool
        Whether the numbers agree after it.
    """
    first = ""
    over_other_axes = [_over_other_axes(gradient, shape, d) for d in dy]
    for advice, candidate in chain(*over_other_axes, _candidates(gradient, shape)):
        if same_numbers(candidate, numeric):
            return advice, True
        first = first or advice
    if gradient.size == numeric.size and same_numbers(gradient.reshape(shape), numeric):
        return f"reshape it to {shape}", True
    return first, False


def same_numbers(gradient: np.ndarray, numeric: np.ndarray) -> bool:
    """Whether a gradient has the shape and the numbers of measured derivatives, NaN where unknown."""
    known = ~np.isnan(numeric)
    if gradient.shape != numeric.shape or not known.any():
        return False
    size = float(np.abs(numeric[known]).max(initial=0.0))
    return np.allclose(gradient[known], numeric[known], rtol=CLOSE, atol=CLOSE * size)


def _candidates(g: np.ndarray, shape: tuple[int, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """Every way that leads to the shape: what to do, and the result."""
    if g.ndim > MOST_AXES:
        return
    if sorted(s for s in g.shape if s != 1) == sorted(s for s in shape if s != 1) and g.squeeze().shape == tuple(
        s for s in shape if s != 1
    ):
        yield f"reshape it to {shape} (axes of length 1 are too many or missing)", g.reshape(shape)
    if g.ndim == len(shape):
        for order in permutations(range(g.ndim)):
            if tuple(g.shape[k] for k in order) == shape:
                yield f"transpose it: .transpose{order}", g.transpose(order)
        if all(have >= want for have, want in zip(g.shape, shape, strict=True)):
            yield from _crops(g, shape)
    for count in range(1, g.ndim + 1):
        for axes in combinations(range(g.ndim), count):
            total = g.sum(axis=axes, keepdims=True)
            if total.shape == shape:
                yield f"sum over {_named(axes)} with keepdims=True", total
            if total.squeeze(axes).shape == shape:
                yield f"sum over {_named(axes)}", total.squeeze(axes)


def _over_other_axes(g: np.ndarray, shape: tuple[int, ...], dy: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What is left of dy's shape where it is summed over some axes, though it should be others."""
    if dy.ndim > MOST_AXES:
        return
    some = [axes for count in range(1, dy.ndim + 1) for axes in combinations(range(dy.ndim), count)]
    left = {axes: tuple(s for k, s in enumerate(dy.shape) if k not in axes) for axes in some}
    for axes in some:
        for instead in some:
            if left[axes] == shape and left[instead] == g.shape:
                yield f"sum over {_named(axes)} instead of {_named(instead)}", dy.sum(axis=axes)


def _named(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"


def _crops(g: np.ndarray, shape: tuple[int, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """Cut off what is too much at each axis: half at either end, all at the end, all at the start."""
    excess = [have - want for have, want in zip(g.shape, shape, strict=True)]
    where = ", ".join(f"{extra} from axis {axis}" for axis, extra in enumerate(excess) if extra)
    for place, share in (("half at either end", 0.5), ("at the end", 0.0), ("at the start", 1.0)):
        starts = [int(extra * share) for extra in excess]
        cut = tuple(slice(start, start + want) for start, want in zip(starts, shape, strict=True))
        yield f"crop {where} ({place})", g[cut]
