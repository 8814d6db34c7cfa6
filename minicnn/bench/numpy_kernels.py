"""What the kernels do, as NumPy would do it: same names, same arguments, put in their place to see what they gain.

Each is the quickest of the plain ways, whole arrays at a time, and runs on the same slices in the same threads.
"""

from __future__ import annotations

from itertools import product

import numpy as np


def relu(x, y):
    """y = max(x, 0)."""
    np.maximum(x, 0, out=y)


def relu_backward(dy, y, dx):
    """dx = dy where y > 0, else 0."""
    np.multiply(dy, y > 0, out=dx)


def max_pool(x, y, winner, cells, first, stride_i, stride_j):
    """Go over the cells and keep what is larger than all before, with its number."""
    for number, (ki, kj) in enumerate(cells, start=first):
        values = _under(x, y, ki, kj, stride_i, stride_j)
        np.copyto(winner, number, where=values > y)
        np.maximum(y, values, out=y)


def max_pool_backward(dy, winner, dx, KH, KW, stride_i, stride_j):
    """For each offset, add the gradients of the windows in which it won."""
    dx[...] = 0
    for number, (ki, kj) in enumerate(product(range(KH), range(KW))):
        _under(dx, dy, ki, kj, stride_i, stride_j)[...] += dy * (winner == number)


def _under(x: np.ndarray, y: np.ndarray, ki: int, kj: int, stride_i: int, stride_j: int) -> np.ndarray:
    """View the pixels under one offset of all windows."""
    _, OH, OW, _ = y.shape
    return x[:, ki : ki + stride_i * (OH - 1) + 1 : stride_i, kj : kj + stride_j * (OW - 1) + 1 : stride_j]


def channel_sums(x):
    """Sum over m of x[m, c]."""
    return x.sum(axis=0, dtype=np.float64)


def channel_moments(x, shift):
    """Sums over m of x[m, c] - shift[c] and of its square."""
    difference = x - shift.astype(x.dtype)
    return difference.sum(axis=0, dtype=np.float64), np.square(difference).sum(axis=0, dtype=np.float64)


def normalize(x, y, mean, scale, shift):
    """y = (x - mean) * scale + shift, for each channel."""
    np.subtract(x, mean.astype(x.dtype), out=y)
    y *= scale.astype(x.dtype)
    y += shift.astype(x.dtype)


def gradient_sums(dy, x, mean, inv_std):
    """Sums over m of dy[m, c] and of dy[m, c] * x_hat[m, c]."""
    x_hat = (x - mean.astype(x.dtype)) * inv_std.astype(x.dtype)
    return dy.sum(axis=0, dtype=np.float64), (dy * x_hat).sum(axis=0, dtype=np.float64)


def normalize_backward(dy, x, dx, mean, scale, offset, slope):
    """dx = scale * (dy - offset - slope * (x - mean)), for each channel."""
    np.subtract(x, mean.astype(x.dtype), out=dx)
    dx *= -slope.astype(x.dtype)
    dx += dy
    dx -= offset.astype(x.dtype)
    dx *= scale.astype(x.dtype)


def sgd(w, g, v, learning_rate, momentum, nesterov):
    """Change v, then w."""
    v *= momentum
    v += g
    w -= learning_rate * (g + momentum * v if nesterov else v)
