"""Recognise a pooling, and its windows.

Forward is asked itself. Let x grow along one axis and be constant along the others. Then the maximum over a window
shows its last place, and, of an x that falls, its first. An average shows both by its mean m and variance s^2 (through
an average of squares), for k consecutive numbers have

    s^2 = (k^2 - 1) / 12,    first = m - (k - 1) / 2                                                (1)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from .factors import IMAGES
from .operation import Gradient, Operation
from .pooling import AVERAGE_STEPS, MAX_STEPS, OF_AVERAGES, OF_MAXIMA
from .problem import Problem, is_same
from .rearranged import crops, scrambles
from .windows import Windows

MOST_AXES = 5
MOST_PATCH_ENTRIES = 300_000
WHOLE = 1e-6  # how far from a whole number a place may be
AxisOfWindows = tuple[int, int, int]  # kernel, stride, padding before


def recognise(problem: Problem) -> Iterator[Operation]:
    """The pooling that gives y, if there is one."""
    if not problem.hints("pool") or len(problem.arrays) != 1:
        return
    ((x_at, x),) = problem.arrays.items()
    if not 1 <= x.ndim <= MOST_AXES or (problem.y.size >= x.size and problem.y.shape != x.shape):
        return
    for y_shape in _with_all_axes(x.shape, problem.y.shape):
        for is_max in (True, False):
            axes = _windows_of_axes(problem, x_at, y_shape, is_max)
            if axes and any(axis != (1, 1, 0) for axis in axes):
                operation = _operation(problem, x_at, y_shape, axes, is_max)
                if operation:
                    yield operation
                    return


def _with_all_axes(x: tuple[int, ...], y: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """y's shape with the axes of length 1 that global pooling may have left out."""
    if len(y) == len(x):
        yield y
    for gone in combinations(range(len(x)), len(x) - len(y)) if len(y) < len(x) else ():
        kept = [k for k in range(len(x)) if k not in gone]
        if all(y[j] == x[k] for j, k in enumerate(kept)):
            yield tuple(1 if k in gone else x[k] for k in range(len(x)))


def _windows_of_axes(problem: Problem, x_at: int, y_shape: tuple[int, ...], is_max: bool) -> list[AxisOfWindows] | None:
    """Kernel, stride and padding along each axis; None if this is no such pooling."""
    shape = problem.arrays[x_at].shape
    ones = problem.ask({x_at: np.ones(shape)})
    if ones is None or not np.all(ones > 0):
        return None
    axes = []
    for k, length in enumerate(shape):
        first_last = _places(problem, x_at, ones, y_shape, k, length, is_max)
        fitted = first_last and _fit(*first_last, length)
        if not fitted:
            return None
        axes.append(fitted)
    return axes


def _places(
    problem: Problem, x_at: int, ones: np.ndarray, y_shape: tuple[int, ...], axis: int, length: int, is_max: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """First and last place of each window along one axis, padding left out."""
    shape = problem.arrays[x_at].shape
    along = [length if k == axis else 1 for k in range(len(shape))]
    places = np.arange(float(length)).reshape(along)
    profiles = (places + 1, length - places) if is_max else (places + 1, (places + 1) ** 2)
    seen = []
    for profile in profiles:
        y = problem.ask({x_at: np.broadcast_to(profile, shape)})
        if y is None:
            return None
        y = np.moveaxis((y / ones).reshape(y_shape), axis, 0).reshape(y_shape[axis], -1)
        if np.ptp(y, axis=1).max() > WHOLE:
            return None
        seen.append(y[:, 0])
    if is_max:
        first, last = length - seen[1], seen[0] - 1
    else:
        lengths = np.sqrt(np.maximum(12 * (seen[1] - seen[0] ** 2) + 1, 0))  # (1)
        first = seen[0] - 1 - (lengths - 1) / 2
        last = first + lengths - 1
    whole = np.round(first).astype(int), np.round(last).astype(int)
    if np.abs(first - whole[0]).max() > WHOLE * length or np.abs(last - whole[1]).max() > WHOLE * length:
        return None
    return whole


def _fit(first: np.ndarray, last: np.ndarray, length: int) -> AxisOfWindows | None:
    """Kernel, stride and padding that put the windows there."""
    window = np.arange(len(first))
    kernel = int((last - first).max()) + 1
    for stride in range(1, length + 1):
        for before in range(kernel):
            begin = stride * window - before
            if np.array_equal(first, np.maximum(begin, 0)) and np.array_equal(
                last, np.minimum(begin + kernel - 1, length - 1)
            ):
                return kernel, stride, before
    return None


def _operation(
    problem: Problem, x_at: int, y_shape: tuple[int, ...], axes: list[AxisOfWindows], is_max: bool
) -> Operation | None:
    """The operation, if it gives y."""
    x, y = problem.arrays[x_at], problem.y
    space = [k for k, axis in enumerate(axes) if axis != (1, 1, 0) or x.shape[k] != y_shape[k]]
    if x.size * int(np.prod([axes[k][0] for k in space])) > MOST_PATCH_ENTRIES:
        return None
    order = [k for k in range(x.ndim) if k not in space] + space
    image, output = (tuple(shape[k] for k in space) for shape in (x.shape, y_shape))
    kernel, stride, before = zip(*(axes[k] for k in space), strict=True)
    windows = Windows(image, kernel, output, stride, (1,) * len(space), before)
    columns = int(np.prod(image)), int(np.prod(output))

    def restore(dx: np.ndarray) -> np.ndarray:
        return dx.reshape([x.shape[k] for k in order]).transpose(np.argsort(order))

    given = {
        "x_given": x, "dy_of_y": problem.dy, "windows": windows, "padding_value": -np.inf if is_max else 0.0,
        "to_images": lambda a: a.transpose(order).reshape(-1, columns[0], 1),
        "to_outputs": lambda a: a.reshape(y_shape).transpose(order).reshape(-1, columns[1], 1),
    }  # fmt: skip
    counts = {
        "entries in a window": int(np.prod(kernel)), "windows in an image": columns[1], IMAGES: x.shape[0],
        **{f"entries of a window along axis {k}": length for k, length in zip(space, kernel, strict=True)},
        "entries of an image": columns[0],
    }  # fmt: skip
    for what, more in _kinds(is_max):
        if what[0] == "sum" and (any(windows.before) or any(windows.ends)):
            continue  # a running sum would be one
        operation = Operation(
            name=f"{what[0]} pooling{what[1]} over axes {tuple(space)} with windows of {windows}",
            given=given | more,
            steps=MAX_STEPS if is_max else AVERAGE_STEPS,
            mistakes=(
                *(OF_MAXIMA if is_max else OF_AVERAGES),
                *crops(windows),
                *scrambles(y.shape, "dy_given", "dy_of_y", "dy", rank=1),
            ),
            gradients={x_at: Gradient("dx", restore)},
            counts=counts,
        )
        v = operation.run()
        found = v.patches.max(axis=2) if is_max else (v.patches / v.count).sum(axis=2)
        if is_same(found, v.to_outputs(y)):
            return operation
    return None


def _kinds(is_max: bool) -> tuple[tuple[tuple[str, str], dict], ...]:
    if is_max:
        return ((("max", ""), {}), (("max", " (padding of 0)"), {"padding_value": 0.0}))
    return (
        (("average", ""), {"only_inside": True, "is_sum": False}),
        (("average", " (padding counted)"), {"only_inside": False, "is_sum": False}),
        (("sum", ""), {"only_inside": False, "is_sum": True}),
    )
