"""Pooling: one number for each window and channel.

    max       y[n,i,j,c] = max over ki, kj of  x[n, i s + ki, j s + kj, c]                          (1)
    backward  dx collects dy[n,i,j,c] at the one place that was the maximum; others get nothing     (2)

    average   y[n,i,j,c] = mean over the cells of the window that lie inside the image              (3)
    backward  dx collects dy[n,i,j,c] / (number of those cells) at each of them                     (4)

    global    y[n,c] = mean over all i, j of x[n,i,j,c];    dx[n,i,j,c] = dy[n,c] / (H W)           (5)

Where windows overlap, a pixel collects from each of them. Padding is minus infinity for the maximum and does not count
for the average. Of equal maxima the first in row-major order takes the gradient.

Source: LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86, 1998 (average); Zhou &
Chellappa, "Computation of optical flow using a neural network", ICNN 1988 (max); Lin et al., "Network in network", 2014
(global).
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from ..kernels import parallel
from ..kernels import pooling as kernels
from .checks import check_image_shape, checked_array, checked_cache, checked_dy
from .layer import FunctionLayer
from .windows import Padding, Pair, Windows, check_options, pair

CELLS_AT_ONCE = 9  # of a window; the compiler's code for more is slow


class MaxPoolCache(NamedTuple):
    """What `max_pool2d_backward` needs of the forward pass."""

    winner: np.ndarray
    dtype: np.dtype
    windows: Windows


def max_pool2d_forward(
    x: np.ndarray, *, pool_size: int | Pair = 2, stride: int | Pair | None = None, padding: Padding = 0
) -> tuple[np.ndarray, MaxPoolCache]:
    """Largest number of each window, equation (1).

    Parameters
    ----------
    x : array, shape (N, H, W, C)
    pool_size : int or (int, int)
        In pixels, (vertical, horizontal).
    stride : int or (int, int), optional
        In pixels; by default `pool_size`, so that windows touch without overlap.
    padding
        As in `conv2d_forward`, smaller than `pool_size`; of minus infinity.

    Returns
    -------
    y : array, shape (N, OH, OW, C)
    cache : MaxPoolCache

    Raises
    ------
    TypeError, ValueError
        If x is no batch of float images, or the windows do not fit on them.

    Examples
    --------
    >>> from minicnn.functional import max_pool2d_forward
    >>> x = np.array([[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 9.0]]).reshape(1, 2, 4, 1)
    >>> y, cache = max_pool2d_forward(x, pool_size=2)
    >>> y.ravel()
    array([4., 9.])
    """
    windows = _windows(x, pool_size, stride, padding, "The max pooling")
    y = np.empty((len(x), *windows.output, x.shape[3]), x.dtype)
    winner = np.empty(y.shape, np.int32)
    cells = tuple(product(*map(range, windows.kernel)))

    def pool(images: slice) -> None:
        padded = windows.padded(x[images], value=-np.inf)
        y[images], winner[images] = -np.inf, 0
        for first in range(0, len(cells), CELLS_AT_ONCE):
            some = cells[first : first + CELLS_AT_ONCE]
            kernels.max_pool(padded, y[images], winner[images], some, first, *windows.stride)  # (1)

    parallel.over_batch(pool, len(x), x.size)
    return y, MaxPoolCache(winner, x.dtype, windows)


def max_pool2d_backward(dy: np.ndarray, cache: MaxPoolCache) -> np.ndarray:
    """Gradient to the winners, equation (2). Shapes as in `max_pool2d_forward`.

    Examples
    --------
    >>> from minicnn.functional import max_pool2d_backward, max_pool2d_forward
    >>> x = np.array([[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 9.0]]).reshape(1, 2, 4, 1)
    >>> y, cache = max_pool2d_forward(x, pool_size=2)
    >>> max_pool2d_backward(np.ones(y.shape), cache)[0, :, :, 0]
    array([[0., 0., 0., 0.],
           [0., 1., 0., 1.]])
    """
    winner, dtype, windows = checked_cache(cache, MaxPoolCache, "max_pool2d_forward")
    dy = checked_dy(dy, winner.shape, dtype)
    dx = np.empty((len(dy), *windows.padded_image, dy.shape[3]), dtype)

    def spread(images: slice) -> None:
        kernels.max_pool_backward(dy[images], winner[images], dx[images], *windows.kernel, *windows.stride)  # (2)

    parallel.over_batch(spread, len(dy), dx.size)
    return windows.inside(dx)


class AvgPoolCache(NamedTuple):
    """What `avg_pool2d_backward` needs of the forward pass."""

    shape: tuple[int, ...]
    count: np.ndarray
    windows: Windows


def avg_pool2d_forward(
    x: np.ndarray, *, pool_size: int | Pair = 2, stride: int | Pair | None = None, padding: Padding = 0
) -> tuple[np.ndarray, AvgPoolCache]:
    """Mean of each window's cells inside the image, equation (3). Arguments as in `max_pool2d_forward`.

    Examples
    --------
    >>> from minicnn.functional import avg_pool2d_forward
    >>> x = np.array([[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 9.0]]).reshape(1, 2, 4, 1)
    >>> y, cache = avg_pool2d_forward(x, pool_size=2)
    >>> y.ravel()
    array([2.5 , 2.25])
    """
    windows = _windows(x, pool_size, stride, padding, "The average pooling")
    inside = windows.padded(np.ones((1, *windows.image, 1), x.dtype))
    count = sum(_cells(inside, windows))
    return sum(_cells(windows.padded(x), windows)) / count, AvgPoolCache(x.shape, count, windows)  # (3)


def avg_pool2d_backward(dy: np.ndarray, cache: AvgPoolCache) -> np.ndarray:
    """An equal share to each cell, equation (4). Shapes as in `avg_pool2d_forward`.

    Examples
    --------
    >>> from minicnn.functional import avg_pool2d_backward, avg_pool2d_forward
    >>> y, cache = avg_pool2d_forward(np.zeros((1, 2, 4, 1)), pool_size=2)
    >>> avg_pool2d_backward(np.ones(y.shape), cache)[0, :, :, 0]
    array([[0.25, 0.25, 0.25, 0.25],
           [0.25, 0.25, 0.25, 0.25]])
    """
    shape, count, windows = checked_cache(cache, AvgPoolCache, "avg_pool2d_forward")
    dy = checked_dy(dy, (shape[0], *windows.output, shape[3]), count.dtype)
    dx = np.zeros((shape[0], *windows.padded_image, shape[3]), dy.dtype)
    share = dy / count
    for cell in _cells(dx, windows):
        cell += share  # (4)
    return windows.inside(dx)


class GlobalAvgPoolCache(NamedTuple):
    """What `global_avg_pool2d_backward` needs of the forward pass."""

    shape: tuple[int, ...]
    dtype: np.dtype


def global_avg_pool2d_forward(x: np.ndarray) -> tuple[np.ndarray, GlobalAvgPoolCache]:
    """Mean of each channel over the whole image, equation (5).

    Parameters
    ----------
    x : array, shape (N, H, W, C)

    Returns
    -------
    y : array, shape (N, C)
    cache : GlobalAvgPoolCache

    Examples
    --------
    >>> from minicnn.functional import global_avg_pool2d_forward
    >>> y, cache = global_avg_pool2d_forward(np.arange(8.0).reshape(1, 2, 2, 2))
    >>> y
    array([[3., 4.]])
    """
    x = checked_array(x, "x", "(N, H, W, C)")
    if x.shape[1] * x.shape[2] == 0:
        raise ValueError(f"x must have at least one pixel an image, got images of shape {x.shape}: no mean of nothing.")
    return x.mean(axis=(1, 2)), GlobalAvgPoolCache(x.shape, x.dtype)


def global_avg_pool2d_backward(dy: np.ndarray, cache: GlobalAvgPoolCache) -> np.ndarray:
    """An equal share to each pixel, equation (5). Shapes as in `global_avg_pool2d_forward`.

    Examples
    --------
    >>> from minicnn.functional import global_avg_pool2d_backward, global_avg_pool2d_forward
    >>> y, cache = global_avg_pool2d_forward(np.zeros((1, 2, 2, 1)))
    >>> global_avg_pool2d_backward(np.array([[1.0]]), cache).ravel()
    array([0.25, 0.25, 0.25, 0.25])
    """
    N, H, W, C = checked_cache(cache, GlobalAvgPoolCache, "global_avg_pool2d_forward").shape
    dy = checked_dy(dy, (N, C), cache.dtype)
    return np.broadcast_to((dy / (H * W))[:, None, None, :], cache.shape).copy()


def _windows(x: np.ndarray, pool_size: int | Pair, stride: int | Pair | None, padding: Padding, caller: str) -> Windows:
    x = checked_array(x, "x", "(N, H, W, C)")
    return pool_windows(x.shape[1:3], pool_size, stride, padding, caller)


def pool_windows(
    image: Pair, pool_size: int | Pair, stride: int | Pair | None, padding: Padding, caller: str
) -> Windows:
    """Pooling's windows: by default the stride is the window's size, and no window lies wholly in the padding."""
    pool_size = pair(pool_size, "pool_size")
    windows = Windows.on(image, pool_size, pool_size if stride is None else stride, padding, caller=caller)
    if any(cells >= size for size, both in zip(windows.kernel, windows.padding, strict=True) for cells in both):
        raise ValueError(
            f"{caller} needs padding smaller than its windows of {windows.kernel[0]}x{windows.kernel[1]}, got "
            f"{windows.padding}: a window of nothing but padding has no value."
        )
    return windows


def _cells(padded: np.ndarray, windows: Windows) -> list[np.ndarray]:
    """For each cell (ki, kj) of the windows, its pixel under every window: views (N, OH, OW, C)."""
    (si, sj), (OH, OW) = windows.stride, windows.output
    return [
        padded[:, ki : ki + (OH - 1) * si + 1 : si, kj : kj + (OW - 1) * sj + 1 : sj]
        for ki, kj in np.ndindex(*windows.kernel)
    ]


class _Pool2D(FunctionLayer):
    def __init__(self, pool_size: int | Pair = 2, stride: int | Pair | None = None, padding: Padding = "valid"):
        check_options(pool_size, pool_size if stride is None else stride, padding, name="pool_size")
        self.pool_size, self.stride, self.padding = pool_size, stride, padding

    def output_shape_for(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """(OH, OW, C) for images (H, W, C)."""
        H, W, C = check_image_shape(self, input_shape)
        return (*pool_windows((H, W), self.pool_size, self.stride, self.padding, repr(self)).output, C)


class MaxPool2D(_Pool2D):
    """Largest number of each window: equation (1).

    Parameters
    ----------
    pool_size, stride, padding
        As in `max_pool2d_forward`.

    Examples
    --------
    >>> from minicnn import MaxPool2D
    >>> MaxPool2D(2).build((28, 28, 16))
    (14, 14, 16)
    >>> MaxPool2D(2).forward(np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)).item()
    4.0
    """

    functions = max_pool2d_forward, max_pool2d_backward


class AvgPool2D(_Pool2D):
    """Mean of each window's cells inside the image: equation (3).

    Parameters
    ----------
    pool_size, stride, padding
        As in `avg_pool2d_forward`.

    Examples
    --------
    >>> from minicnn import AvgPool2D
    >>> AvgPool2D(2).build((28, 28, 16))
    (14, 14, 16)
    >>> AvgPool2D(2).forward(np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)).item()
    2.5
    """

    functions = avg_pool2d_forward, avg_pool2d_backward


class GlobalAvgPool2D(FunctionLayer):
    """Mean of each channel over the whole image, (N, H, W, C) to (N, C): equation (5).

    Examples
    --------
    >>> from minicnn import GlobalAvgPool2D
    >>> GlobalAvgPool2D().build((7, 7, 64))
    (64,)
    >>> GlobalAvgPool2D().forward(np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1))
    array([[2.5]])
    """

    functions = global_avg_pool2d_forward, global_avg_pool2d_backward

    def output_shape_for(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """(C,) for images (H, W, C)."""
        return check_image_shape(self, input_shape)[2:]
