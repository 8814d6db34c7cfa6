"""Every function as its textbook formula, in loops over indices: slow, obviously right, the truth in tests.

Read a function as its equation: the left-hand side is the element assigned, each sum is a loop that adds to it. In a
backward pass dy = dL/dy comes in and the chain rule

    dv[p] = sum over q of dy[q] (d y[q] / d v[p])

is written in the order that needs no search: go over the outputs q, and add to each dv[p] that had a part in y[q].

Indices, everywhere the same:

    n       example in the batch                        i, j      row and column of the output
    c       channel of the input                        ki, kj    row and column within a window
    f       filter, that is channel of the output       r, s      row and column of the image under (ki, kj)
    m       row of a matrix of all examples, positions  k         class

Arrays are float32 or float64; every result has the dtype of the first argument. Images are (N, H, W, C).

>>> from minicnn.reference import loops
>>> y, cache = loops.max_pool2d_forward(np.arange(16.0).reshape(1, 4, 4, 1), pool_size=2)
>>> y.ravel()
array([ 5.,  7., 13., 15.])
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .geometry import Padding, Pair, Windows, lay_pooling_windows, lay_windows

# --- Convolution ------------------------------------------------------------------------------------------------------


class Conv2DCache(NamedTuple):
    """What `conv2d_backward` needs of the forward pass."""

    x: np.ndarray
    w: np.ndarray
    has_bias: bool
    groups: int
    windows: Windows


def conv2d_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    *,
    stride: int | Pair = 1,
    padding: Padding = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[np.ndarray, Conv2DCache]:
    """Slide filters over an image (a cross-correlation: the kernel is not flipped).

        y[n, i, j, f] = b[f] + sum over ki, kj, c of x[n, r, s, first(f) + c] w[ki, kj, c, f]

    with r = i stride + ki dilation - top, s likewise, and x zero outside the image. Filter f sees the channels of its
    own group only, from first(f) = floor(f / (C_out / groups)) (C_in / groups) on.

    Parameters
    ----------
    x : (N, H, W, C_in) array
    w : (KH, KW, C_in / groups, C_out) array
    b : (C_out,) array, optional
    stride, dilation : int or (vertical, horizontal)
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)), "same" or "valid"
    groups : int
        Divides both C_in and C_out; groups = C_in is a depthwise convolution.

    Returns
    -------
    y : (N, OH, OW, C_out) array
    cache : Conv2DCache
    """
    windows = lay_windows(x.shape[1:3], w.shape[:2], stride, padding, dilation)
    filters = w.shape[3]
    y = np.zeros((len(x), *windows.output, filters), x.dtype)
    for n, i, j, f in np.ndindex(y.shape):
        y[n, i, j, f] = 0 if b is None else b[f]
        first = first_channel(f, w, groups)
        for ki, kj, r, s in windows.taps(i, j):
            for c in range(w.shape[2]):
                y[n, i, j, f] += x[n, r, s, first + c] * w[ki, kj, c, f]
    return y, Conv2DCache(x, w, b is not None, groups, windows)


def conv2d_backward(dy: np.ndarray, cache: Conv2DCache) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Give each output's gradient to the pixels, weights and bias that made it.

        dx[n, r, s, first(f) + c]  +=  dy[n, i, j, f] w[ki, kj, c, f]
        dw[ki, kj, c, f]           +=  dy[n, i, j, f] x[n, r, s, first(f) + c]
        db[f]                      +=  dy[n, i, j, f]

    Parameters
    ----------
    dy : (N, OH, OW, C_out) array
    cache : Conv2DCache

    Returns
    -------
    dx, dw, db : arrays of the shapes of x, w and b
        db is None if b was.
    """
    x, w, has_bias, groups, windows = cache
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(w.shape[3], w.dtype)
    for n, i, j, f in np.ndindex(dy.shape):
        db[f] += dy[n, i, j, f]
        first = first_channel(f, w, groups)
        for ki, kj, r, s in windows.taps(i, j):
            for c in range(w.shape[2]):
                dx[n, r, s, first + c] += dy[n, i, j, f] * w[ki, kj, c, f]
                dw[ki, kj, c, f] += dy[n, i, j, f] * x[n, r, s, first + c]
    return dx, dw, db if has_bias else None


def first_channel(f: int, w: np.ndarray, groups: int) -> int:
    """First input channel of the group that filter f belongs to."""
    channels_in_group, filters = w.shape[2:]
    return f // (filters // groups) * channels_in_group


# --- Pooling ----------------------------------------------------------------------------------------------------------


class MaxPool2DCache(NamedTuple):
    """What `max_pool2d_backward` needs: the shape of x, and (row, column) of each window's winner as the last axis."""

    x_shape: tuple[int, ...]
    winner: np.ndarray


class AvgPool2DCache(NamedTuple):
    """What `avg_pool2d_backward` needs of the forward pass."""

    x_shape: tuple[int, ...]
    windows: Windows


def max_pool2d_forward(
    x: np.ndarray, *, pool_size: int | Pair = 2, stride: int | Pair | None = None, padding: Padding = 0
) -> tuple[np.ndarray, MaxPool2DCache]:
    """Keep the largest value of each window.

        y[n, i, j, c] = max over ki, kj of x[n, r, s, c]

    Padding counts as minus infinity: it never wins. Of equal values the first in row-major order wins.

    Parameters
    ----------
    x : (N, H, W, C) array
    pool_size : int or (vertical, horizontal)
    stride : int or (vertical, horizontal), optional
        By default `pool_size`: windows side by side.
    padding : as in `conv2d_forward`

    Returns
    -------
    y : (N, OH, OW, C) array
    cache : MaxPool2DCache
    """
    windows = lay_pooling_windows(x.shape[1:3], pool_size, stride, padding)
    y = np.empty((len(x), *windows.output, x.shape[3]), x.dtype)
    winner = np.empty((*y.shape, 2), int)
    for n, i, j, c in np.ndindex(y.shape):
        cells = [(r, s) for _, _, r, s in windows.taps(i, j)]
        r, s = cells[np.argmax([x[n, r, s, c] for r, s in cells])]  # argmax takes the first of equals
        y[n, i, j, c] = x[n, r, s, c]
        winner[n, i, j, c] = r, s
    return y, MaxPool2DCache(x.shape, winner)


def max_pool2d_backward(dy: np.ndarray, cache: MaxPool2DCache) -> np.ndarray:
    """Give each window's gradient to its winner; one that wins in several overlapping windows collects all.

        dx[n, r, s, c]  +=  dy[n, i, j, c]        for the winner (r, s) of window (i, j)

    Shapes as in `max_pool2d_forward`.
    """
    dx = np.zeros(cache.x_shape, dy.dtype)
    for n, i, j, c in np.ndindex(dy.shape):
        r, s = cache.winner[n, i, j, c]
        dx[n, r, s, c] += dy[n, i, j, c]
    return dx


def avg_pool2d_forward(
    x: np.ndarray, *, pool_size: int | Pair = 2, stride: int | Pair | None = None, padding: Padding = 0
) -> tuple[np.ndarray, AvgPool2DCache]:
    """Average the pixels of each window; padding is not counted.

        y[n, i, j, c] = 1/T sum over ki, kj of x[n, r, s, c],      T = number of (ki, kj) inside the image

    Parameters and results as in `max_pool2d_forward`.
    """
    windows = lay_pooling_windows(x.shape[1:3], pool_size, stride, padding)
    y = np.zeros((len(x), *windows.output, x.shape[3]), x.dtype)
    for n, i, j, c in np.ndindex(y.shape):
        taps = windows.taps(i, j)
        for _, _, r, s in taps:
            y[n, i, j, c] += x[n, r, s, c] / len(taps)
    return y, AvgPool2DCache(x.shape, windows)


def avg_pool2d_backward(dy: np.ndarray, cache: AvgPool2DCache) -> np.ndarray:
    """Share each window's gradient equally among its pixels: dx[n, r, s, c] += dy[n, i, j, c] / T."""
    dx = np.zeros(cache.x_shape, dy.dtype)
    for n, i, j, c in np.ndindex(dy.shape):
        taps = cache.windows.taps(i, j)
        for _, _, r, s in taps:
            dx[n, r, s, c] += dy[n, i, j, c] / len(taps)
    return dx


def global_avg_pool2d_forward(x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Average each channel over the whole image.

        y[n, c] = 1/(H W) sum over r, s of x[n, r, s, c]

    Parameters
    ----------
    x : (N, H, W, C) array

    Returns
    -------
    y : (N, C) array
    cache : tuple of int
        Shape of x.
    """
    batch, height, width, channels = x.shape
    y = np.zeros((batch, channels), x.dtype)
    for n, r, s, c in np.ndindex(x.shape):
        y[n, c] += x[n, r, s, c] / (height * width)
    return y, x.shape


def global_avg_pool2d_backward(dy: np.ndarray, cache: tuple[int, ...]) -> np.ndarray:
    """Share the gradient equally among all pixels: dx[n, r, s, c] = dy[n, c] / (H W)."""
    _, height, width, _ = cache
    dx = np.zeros(cache, dy.dtype)
    for n, r, s, c in np.ndindex(dx.shape):
        dx[n, r, s, c] = dy[n, c] / (height * width)
    return dx


# --- Dense and flatten ------------------------------------------------------------------------------------------------


class DenseCache(NamedTuple):
    """What `dense_backward` needs of the forward pass."""

    x: np.ndarray
    w: np.ndarray
    has_bias: bool


def dense_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> tuple[np.ndarray, DenseCache]:
    """Weigh and sum all inputs, once for each output.

        y[n, j] = b[j] + sum over i of x[n, i] w[i, j]

    Parameters
    ----------
    x : (N, in) array
    w : (in, out) array
    b : (out,) array, optional

    Returns
    -------
    y : (N, out) array
    cache : DenseCache
    """
    y = np.zeros((len(x), w.shape[1]), x.dtype)
    for n, j in np.ndindex(y.shape):
        y[n, j] = 0 if b is None else b[j]
        for i in range(len(w)):
            y[n, j] += x[n, i] * w[i, j]
    return y, DenseCache(x, w, b is not None)


def dense_backward(dy: np.ndarray, cache: DenseCache) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Give each output's gradient to the inputs, weights and bias that made it.

        dx[n, i]  +=  dy[n, j] w[i, j]
        dw[i, j]  +=  dy[n, j] x[n, i]
        db[j]     +=  dy[n, j]

    Shapes as in `dense_forward`; db is None if b was.
    """
    x, w, has_bias = cache
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(w.shape[1], w.dtype)
    for n, j in np.ndindex(dy.shape):
        db[j] += dy[n, j]
        for i in range(len(w)):
            dx[n, i] += dy[n, j] * w[i, j]
            dw[i, j] += dy[n, j] * x[n, i]
    return dx, dw, db if has_bias else None


def flatten_forward(x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Write each example as one row, in row-major order.

    For images y[n, (r W + s) C + c] = x[n, r, s, c].

    Parameters
    ----------
    x : (N, ...) array

    Returns
    -------
    y : (N, D) array
        D is the number of values in one example.
    cache : tuple of int
        Shape of x.
    """
    y = np.empty((len(x), math.prod(x.shape[1:])), x.dtype)
    for n in range(len(x)):
        for k, index in enumerate(np.ndindex(x.shape[1:])):
            y[n, k] = x[n, *index]
    return y, x.shape


def flatten_backward(dy: np.ndarray, cache: tuple[int, ...]) -> np.ndarray:
    """Put each gradient back in its place: dx[n, r, s, c] = dy[n, (r W + s) C + c]."""
    dx = np.empty(cache, dy.dtype)
    for n in range(len(dx)):
        for k, index in enumerate(np.ndindex(dx.shape[1:])):
            dx[n, *index] = dy[n, k]
    return dx


# --- Activations: one value at a time, arrays of any shape ------------------------------------------------------------


class LeakyReLUCache(NamedTuple):
    """What `leaky_relu_backward` needs of the forward pass."""

    x: np.ndarray
    negative_slope: float


def relu_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut off below zero: y = max(x, 0). The cache is x."""
    y = np.empty_like(x)
    for p in np.ndindex(x.shape):
        y[p] = 0 if x[p] < 0 else x[p]
    return y, x


def relu_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Pass the gradient where x was positive: dx = dy if x > 0, else 0. At the kink x = 0 the derivative is 0."""
    x = cache
    dx = np.empty_like(dy)
    for p in np.ndindex(x.shape):
        dx[p] = dy[p] if x[p] > 0 else 0
    return dx


def leaky_relu_forward(x: np.ndarray, *, negative_slope: float = 0.01) -> tuple[np.ndarray, LeakyReLUCache]:
    """Flatten below zero: y = x if x > 0, else negative_slope x."""
    y = np.empty_like(x)
    for p in np.ndindex(x.shape):
        y[p] = x[p] if x[p] > 0 else negative_slope * x[p]
    return y, LeakyReLUCache(x, negative_slope)


def leaky_relu_backward(dy: np.ndarray, cache: LeakyReLUCache) -> np.ndarray:
    """Scale the gradient by the slope: dx = dy if x > 0, else negative_slope dy (so too at the kink x = 0)."""
    x, negative_slope = cache
    dx = np.empty_like(dy)
    for p in np.ndindex(x.shape):
        dx[p] = dy[p] if x[p] > 0 else negative_slope * dy[p]
    return dx


def sigmoid_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squash to (0, 1): y = 1 / (1 + exp(-x)). The cache is y."""
    y = np.empty_like(x)
    for p in np.ndindex(x.shape):
        y[p] = logistic(x[p])
    return y, y


def sigmoid_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Multiply by the slope, which y alone tells: dx = dy y (1 - y)."""
    y = cache
    dx = np.empty_like(dy)
    for p in np.ndindex(y.shape):
        dx[p] = dy[p] * y[p] * (1 - y[p])
    return dx


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)) of one number; exp is taken only of what is not positive, which cannot overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def tanh_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squash to (-1, 1): y = tanh(x). The cache is y."""
    y = np.empty_like(x)
    for p in np.ndindex(x.shape):
        y[p] = math.tanh(x[p])
    return y, y


def tanh_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Multiply by the slope, which y alone tells: dx = dy (1 - y^2)."""
    y = cache
    dx = np.empty_like(dy)
    for p in np.ndindex(y.shape):
        dx[p] = dy[p] * (1 - y[p] ** 2)
    return dx


def softmax_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn scores into probabilities along the last axis.

        y[n, k] = exp(x[n, k]) / sum over k2 of exp(x[n, k2])

    The same number taken from every x[n, k] cancels; taking the largest keeps exp from overflowing.

    Parameters
    ----------
    x : (..., K) array

    Returns
    -------
    y : (..., K) array
    cache : (..., K) array
        y.
    """
    y = np.empty_like(x)
    for n in np.ndindex(x.shape[:-1]):
        largest = max(x[n])
        powers = [math.exp(value - largest) for value in x[n]]
        for k, power in enumerate(powers):
            y[*n, k] = power / sum(powers)
    return y, y


def softmax_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Multiply by the Jacobian of softmax: every output depends on every input of its row.

        dx[n, k2] = sum over k of dy[n, k] y[n, k] ([k = k2] - y[n, k2])

    Shapes as in `softmax_forward`.
    """
    y = cache
    classes = y.shape[-1]
    dx = np.zeros_like(dy)
    for n in np.ndindex(y.shape[:-1]):
        for k, k2 in np.ndindex(classes, classes):
            dx[*n, k2] += dy[*n, k] * y[*n, k] * ((k == k2) - y[*n, k2])
    return dx


# --- Batch normalization ----------------------------------------------------------------------------------------------


class BatchNormCache(NamedTuple):
    """What `batchnorm_backward` and `batchnorm_inference_backward` need: arguments, and mean and variance in use."""

    x: np.ndarray
    gamma: np.ndarray
    mean: np.ndarray
    var: np.ndarray
    eps: float


def batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, *, eps: float = 1e-5
) -> tuple[np.ndarray, BatchNormCache]:
    """Normalize each channel with the mean and variance of this batch.

    m counts the M values of a channel: every axis but the last.

        mean[c] = 1/M sum over m of x[m, c]
        var[c]  = 1/M sum over m of (x[m, c] - mean[c])^2                  (biased: 1/M, not 1/(M - 1))
        y[m, c] = gamma[c] (x[m, c] - mean[c]) / sqrt(var[c] + eps) + beta[c]

    Parameters
    ----------
    x : (..., C) array
    gamma, beta : (C,) arrays
    eps : float
        Keeps a constant channel from dividing by zero; in the unit of x squared.

    Returns
    -------
    y : (..., C) array
    cache : BatchNormCache

    Notes
    -----
    Source: Ioffe and Szegedy, "Batch Normalization", arXiv:1502.03167, 2015, algorithm 1.
    """
    rows = x.reshape(-1, x.shape[-1])
    count, channels = rows.shape
    mean, var = np.zeros(channels, x.dtype), np.zeros(channels, x.dtype)
    for m, c in np.ndindex(rows.shape):
        mean[c] += rows[m, c] / count
    for m, c in np.ndindex(rows.shape):
        var[c] += (rows[m, c] - mean[c]) ** 2 / count
    return batchnorm_inference_forward(x, gamma, beta, mean, var, eps=eps)


def batchnorm_backward(dy: np.ndarray, cache: BatchNormCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Follow each x into y three ways: directly, through the variance and through the mean.

        dx[m, c]  =   direct, as with given statistics: `batchnorm_inference_backward`, which gives dvar and dmean too
        dx[m, c] +=   dvar[c] 2 (x[m, c] - mean[c]) / M  +  dmean[c] / M

    The variance's own path through the mean is missing because it is zero: sum over m of (x[m, c] - mean[c]) = 0.

    Parameters
    ----------
    dy : (..., C) array
    cache : BatchNormCache

    Returns
    -------
    dx, dgamma, dbeta : arrays of the shapes of x, gamma and beta
    """
    x, gamma, mean, _, _ = cache
    dx, dgamma, dbeta, dmean, dvar = batchnorm_inference_backward(dy, cache)  # the direct way
    x_rows, dx_rows = (array.reshape(-1, len(gamma)) for array in (x, dx))  # views: dx gets what dx_rows gets
    count = len(x_rows)
    for m, c in np.ndindex(x_rows.shape):
        dx_rows[m, c] += dvar[c] * 2 * (x_rows[m, c] - mean[c]) / count + dmean[c] / count
    return dx, dgamma, dbeta


def batchnorm_inference_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, var: np.ndarray, *, eps: float = 1e-5
) -> tuple[np.ndarray, BatchNormCache]:
    """Normalize each channel with a given mean and variance.

        y[m, c] = gamma[c] (x[m, c] - mean[c]) / sqrt(var[c] + eps) + beta[c]

    Parameters
    ----------
    x : (..., C) array
    gamma, beta, mean, var : (C,) arrays
    eps : float

    Returns
    -------
    y : (..., C) array
    cache : BatchNormCache
    """
    y = np.empty_like(x)
    for p in np.ndindex(x.shape):
        c = p[-1]
        y[p] = gamma[c] * (x[p] - mean[c]) / math.sqrt(var[c] + eps) + beta[c]
    return y, BatchNormCache(x, gamma, mean, var, eps)


def batchnorm_inference_backward(dy: np.ndarray, cache: BatchNormCache) -> tuple[np.ndarray, ...]:
    """Go back to five arguments; none of them depends on another.

        dx[m, c]  =   dy[m, c] gamma[c] / sqrt(var[c] + eps)
        dgamma[c] +=  dy[m, c] (x[m, c] - mean[c]) / sqrt(var[c] + eps)
        dbeta[c]  +=  dy[m, c]
        dmean[c]  -=  dy[m, c] gamma[c] / sqrt(var[c] + eps)
        dvar[c]   -=  dy[m, c] gamma[c] (x[m, c] - mean[c]) / (2 (var[c] + eps)^(3/2))

    Parameters
    ----------
    dy : (..., C) array
    cache : BatchNormCache

    Returns
    -------
    dx, dgamma, dbeta, dmean, dvar : arrays of the shapes of the arguments
    """
    x, gamma, mean, var, eps = cache
    dx = np.empty(x.shape, x.dtype)
    dgamma, dbeta, dmean, dvar = (np.zeros_like(gamma) for _ in range(4))
    for p in np.ndindex(x.shape):
        c = p[-1]
        std = math.sqrt(var[c] + eps)
        dx[p] = dy[p] * gamma[c] / std
        dgamma[c] += dy[p] * (x[p] - mean[c]) / std
        dbeta[c] += dy[p]
        dmean[c] -= dy[p] * gamma[c] / std
        dvar[c] -= dy[p] * gamma[c] * (x[p] - mean[c]) / (2 * std**3)
    return dx, dgamma, dbeta, dmean, dvar


# --- Dropout ----------------------------------------------------------------------------------------------------------


def dropout_forward(x: np.ndarray, rate: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Silence units at random and scale up the rest: y = x m / keep, keep = 1 - rate.

    Parameters
    ----------
    x : array, any shape
    rate : float in [0, 1)
        Probability that a unit is silenced.
    rng : numpy.random.Generator
        m = 1 where a number drawn from [0, 1) in the dtype of x is below `keep`.

    Returns
    -------
    y : array, shape of x
    cache : array, shape of x
        m / keep.
    """
    drawn = rng.random(x.shape, dtype=x.dtype)
    y, scaled_mask = np.empty_like(x), np.empty_like(x)
    for p in np.ndindex(x.shape):
        scaled_mask[p] = 1 / (1 - rate) if drawn[p] < 1 - rate else 0
        y[p] = x[p] * scaled_mask[p]
    return y, scaled_mask


def dropout_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Pass the gradient through the same units: dx = dy m / keep."""
    scaled_mask = cache
    dx = np.empty_like(dy)
    for p in np.ndindex(dy.shape):
        dx[p] = dy[p] * scaled_mask[p]
    return dx


def spatial_dropout2d_forward(x: np.ndarray, rate: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Silence whole channels: y[n, r, s, c] = x[n, r, s, c] m[n, 0, 0, c] / keep, keep = 1 - rate.

    Parameters
    ----------
    x : (N, H, W, C) array
    rate, rng : as in `dropout_forward`

    Returns
    -------
    y : (N, H, W, C) array
    cache : (N, 1, 1, C) array
        m / keep.
    """
    drawn = rng.random((len(x), 1, 1, x.shape[3]), dtype=x.dtype)
    y, scaled_mask = np.empty_like(x), np.empty_like(drawn)
    for n, _, _, c in np.ndindex(drawn.shape):
        scaled_mask[n, 0, 0, c] = 1 / (1 - rate) if drawn[n, 0, 0, c] < 1 - rate else 0
    for n, r, s, c in np.ndindex(x.shape):
        y[n, r, s, c] = x[n, r, s, c] * scaled_mask[n, 0, 0, c]
    return y, scaled_mask


def spatial_dropout2d_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Pass the gradient through the same channels: dx[n, r, s, c] = dy[n, r, s, c] m[n, 0, 0, c] / keep."""
    scaled_mask = cache
    dx = np.empty_like(dy)
    for n, r, s, c in np.ndindex(dy.shape):
        dx[n, r, s, c] = dy[n, r, s, c] * scaled_mask[n, 0, 0, c]
    return dx


# --- Losses: a mean over the batch, as one float ----------------------------------------------------------------------


class SoftmaxCrossEntropyCache(NamedTuple):
    """What `softmax_cross_entropy_backward` needs: probabilities p, targets q and their scale W."""

    p: np.ndarray
    q: np.ndarray
    total_weight: float


class PairCache(NamedTuple):
    """What the other two losses need: prediction (or logits) and target (or labels)."""

    prediction: np.ndarray
    target: np.ndarray


def softmax_cross_entropy_forward(
    logits: np.ndarray,
    labels: np.ndarray,
    *,
    label_smoothing: float = 0.0,
    class_weights: np.ndarray | None = None,
) -> tuple[float, SoftmaxCrossEntropyCache]:
    """Average the surprise at the true class under the softmax of the logits.

        log p[n, k] = z[n, k] - z_max[n] - log(sum over k2 of exp(z[n, k2] - z_max[n]))
        q[n, k]     = weight[k] ((1 - smoothing) [k = label[n]] + smoothing / K)
        loss        = -1/W sum over n, k of q[n, k] log p[n, k],       W = sum over n of weight[label[n]]

    Without class weights every weight is 1 and W = N.

    Parameters
    ----------
    logits : (N, K) array
    labels : (N,) integer array
        True class of each example, from 0 to K - 1.
    label_smoothing : float in [0, 1]
        Share of the target that is spread evenly over all classes.
    class_weights : (K,) array, optional

    Returns
    -------
    loss : float
    cache : SoftmaxCrossEntropyCache

    Notes
    -----
    Smoothing and weights together are PyTorch's: `torch.nn.CrossEntropyLoss(weight, label_smoothing)`.
    """
    weights = np.ones(logits.shape[1]) if class_weights is None else class_weights
    p, q = np.empty_like(logits), np.empty_like(logits)
    total, total_weight = 0.0, sum(float(weights[label]) for label in labels)
    for n, k in np.ndindex(logits.shape):
        z = [float(value) for value in logits[n]]
        log_p = z[k] - max(z) - math.log(sum(math.exp(value - max(z)) for value in z))
        p[n, k] = math.exp(log_p)
        q[n, k] = weights[k] * ((1 - label_smoothing) * (k == labels[n]) + label_smoothing / len(z))
        total -= float(q[n, k]) * log_p
    return total / total_weight, SoftmaxCrossEntropyCache(p, q, total_weight)


def softmax_cross_entropy_backward(dy: float = 1.0, cache: SoftmaxCrossEntropyCache | None = None) -> np.ndarray:
    """Predicted minus target; without smoothing and weights the famous (p - onehot) / N.

        dlogits[n, k] = dy/W (p[n, k] sum over k2 of q[n, k2] - q[n, k])

    Parameters
    ----------
    dy : float
    cache : SoftmaxCrossEntropyCache

    Returns
    -------
    dlogits : (N, K) array
    """
    p, q, total_weight = cache
    dlogits = np.empty_like(p)
    for n, k in np.ndindex(p.shape):
        dlogits[n, k] = dy / total_weight * (p[n, k] * sum(q[n]) - q[n, k])
    return dlogits


def binary_cross_entropy_forward(logits: np.ndarray, labels: np.ndarray) -> tuple[float, PairCache]:
    """Average the surprise at the true one of two classes under the sigmoid of the logit.

        loss = -1/N sum over n of  t log sigmoid(z) + (1 - t) log(1 - sigmoid(z))
             =  1/N sum over n of  max(z, 0) - t z + log(1 + exp(-|z|))

    The second form is the first without overflow.

    Parameters
    ----------
    logits : (N,) or (N, 1) array
    labels : (N,) or (N, 1) array of 0 and 1

    Returns
    -------
    loss : float
    cache : PairCache
    """
    total = 0.0
    for z, t in zip(logits.ravel(), labels.ravel(), strict=True):
        total += max(float(z), 0.0) - float(t) * float(z) + math.log1p(math.exp(-abs(z)))
    return total / len(logits), PairCache(logits, labels)


def binary_cross_entropy_backward(dy: float = 1.0, cache: PairCache | None = None) -> np.ndarray:
    """Predicted minus target: dlogits[n] = dy/N (sigmoid(z[n]) - t[n]), in the shape of the logits."""
    logits, labels = cache
    dlogits = np.empty_like(logits)
    for p, t in zip(np.ndindex(logits.shape), labels.ravel(), strict=True):
        dlogits[p] = dy / len(logits) * (logistic(logits[p]) - t)
    return dlogits


def mean_squared_error_forward(prediction: np.ndarray, target: np.ndarray) -> tuple[float, PairCache]:
    """Average the squared difference over the batch and the outputs, S values in all.

        loss = 1/S sum over p of (prediction[p] - target[p])^2

    Parameters
    ----------
    prediction, target : arrays of one shape

    Returns
    -------
    loss : float
    cache : PairCache
    """
    total = 0.0
    for p in np.ndindex(prediction.shape):
        total += (float(prediction[p]) - float(target[p])) ** 2
    return total / prediction.size, PairCache(prediction, target)


def mean_squared_error_backward(dy: float = 1.0, cache: PairCache | None = None) -> np.ndarray:
    """Predicted minus target, doubled: dprediction[p] = 2 dy/S (prediction[p] - target[p])."""
    prediction, target = cache
    dprediction = np.empty_like(prediction)
    for p in np.ndindex(prediction.shape):
        dprediction[p] = 2 * dy / prediction.size * (prediction[p] - target[p])
    return dprediction
