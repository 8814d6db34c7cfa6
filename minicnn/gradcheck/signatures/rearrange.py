"""The ways in which numbers come to stand in wrong places: axes swapped, turned, reshaped in another order, shifted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations

import numpy as np

MOST_AXES = 5  # beyond, there are too many orders of the axes
FARTHEST = 3  # shift
MOST_SHIFTED_AXES = 2


@dataclass(frozen=True)
class Rearrangement:
    """One way to put an array's numbers elsewhere.

    Attributes
    ----------
    code, words : str
        What to call it, and what happened: "axes (0, 1) swapped".
    apply : function (array) -> array of the same shape
        Numbers that a shift brings in from outside are NaN.
    """

    code: str
    words: str
    apply: Callable[[np.ndarray], np.ndarray]


@lru_cache(maxsize=64)
def rearrangements(shape: tuple[int, ...]) -> tuple[Rearrangement, ...]:
    """All rearrangements of an array of this shape, the simplest first, each different from the others."""
    return tuple(_different(shape)) if 0 < len(shape) <= MOST_AXES and np.prod(shape) > 1 else ()


def _different(shape: tuple[int, ...]) -> Iterator[Rearrangement]:
    seen = {hash(np.arange(np.prod(shape)).tobytes())}
    for one in _all(shape):
        order = np.nan_to_num(one.apply(np.arange(1.0, 1 + np.prod(shape)).reshape(shape))) - (one.code != "shifted")
        key = hash(order.astype(np.int64).tobytes())
        if key not in seen:
            seen.add(key)
            yield one


def _all(shape: tuple[int, ...]) -> Iterator[Rearrangement]:
    yield from _transposes(shape)
    yield from _flips(shape)
    yield from _reshapes(shape)
    yield from _shifts(shape)


def _transposes(shape: tuple[int, ...]) -> Iterator[Rearrangement]:
    for order in permutations(range(len(shape))):
        if order != tuple(range(len(shape))) and tuple(shape[axis] for axis in order) == shape:
            moved = tuple(axis for axis, to in enumerate(order) if axis != to)
            words = f"axes {moved[0]} and {moved[1]} swapped" if len(moved) == 2 else f"axes in the order {order}"
            yield Rearrangement("transposed", words, lambda g, order=order: g.transpose(order))


def _flips(shape: tuple[int, ...]) -> Iterator[Rearrangement]:
    long = [axis for axis, length in enumerate(shape) if length > 1]
    for count in (2, 1, *range(3, len(long) + 1)):
        for axes in combinations(long, count):
            words = f"turned by 180 degrees in axes {axes}" if count == 2 else f"reversed along axes {axes}"
            words = words if count > 1 else f"reversed along axis {axes[0]}"
            yield Rearrangement("flipped-kernel", words, lambda g, axes=axes: np.flip(g, axes))


def _reshapes(shape: tuple[int, ...]) -> Iterator[Rearrangement]:
    for order in permutations(range(len(shape))):
        if order == tuple(range(len(shape))):
            continue
        back = tuple(int(axis) for axis in np.argsort(order))
        there = tuple(shape[axis] for axis in order)
        words = f"as if a transpose{order} were missing beside a reshape"
        yield Rearrangement("order-scrambled", words, lambda g, order=order: g.transpose(order).reshape(g.shape))
        yield Rearrangement(
            "order-scrambled", words, lambda g, there=there, back=back: g.reshape(there).transpose(back)
        )


def _shifts(shape: tuple[int, ...]) -> Iterator[Rearrangement]:
    long = [axis for axis, length in enumerate(shape) if length > 1]
    for count in range(MOST_SHIFTED_AXES, 0, -1):
        for axes in combinations(long, count):
            reach = [[by for by in range(-FARTHEST, FARTHEST + 1) if by and abs(by) < shape[axis]] for axis in axes]
            for by in np.array(np.meshgrid(*reach, indexing="ij")).reshape(count, -1).T:
                offsets = dict(zip(axes, map(int, by), strict=True))
                where = " and ".join(f"{by:+d} along axis {axis}" for axis, by in offsets.items())
                yield Rearrangement("shifted", f"shifted by {where}", lambda g, o=offsets: shifted(g, o))
                yield Rearrangement(
                    "shifted",
                    f"rolled by {where}",
                    lambda g, o=offsets: np.roll(g, tuple(o.values()), tuple(o)),
                )


def shifted(g: np.ndarray, offsets: dict[int, int]) -> np.ndarray:
    """g_(k) at k + offset; NaN where nothing came."""
    result = np.full(g.shape, np.nan)
    if any(abs(by) >= g.shape[axis] for axis, by in offsets.items()):
        return result
    source, target = [slice(None)] * g.ndim, [slice(None)] * g.ndim
    for axis, by in offsets.items():
        source[axis] = slice(max(0, -by), g.shape[axis] - max(0, by))
        target[axis] = slice(max(0, by), g.shape[axis] - max(0, -by))
    result[tuple(target)] = g[tuple(source)]
    return result
