"""Sums over the batch for each channel, and the normalization that uses them; x is (M, C) throughout.

Sums are kept in float64: over 100,000 float32 values a float32 sum would lose three digits.
"""

import numpy as np

from .jit import kernel


@kernel
def channel_sums(x):
    """Sum over m of x[m, c]."""
    M, C = x.shape
    total = np.zeros(C)
    for m in range(M):
        for c in range(C):
            total[c] += x[m, c]
    return total


@kernel
def channel_moments(x, shift):
    """Sums over m of x[m, c] - shift[c] and of its square."""
    M, C = x.shape
    total, squares = np.zeros(C), np.zeros(C)
    for m in range(M):
        for c in range(C):
            difference = x[m, c] - shift[c]
            total[c] += difference
            squares[c] += difference * difference
    return total, squares


@kernel
def normalize(x, y, mean, scale, shift):
    """y = (x - mean) * scale + shift, for each channel."""
    M, C = x.shape
    for m in range(M):
        for c in range(C):
            y[m, c] = (x[m, c] - mean[c]) * scale[c] + shift[c]


@kernel
def gradient_sums(dy, x, mean, inv_std):
    """Sums over m of dy[m, c] and of dy[m, c] * x_hat[m, c], with x_hat = (x - mean) * inv_std."""
    M, C = x.shape
    dbeta, dgamma = np.zeros(C), np.zeros(C)
    for m in range(M):
        for c in range(C):
            dbeta[c] += dy[m, c]
            dgamma[c] += dy[m, c] * ((x[m, c] - mean[c]) * inv_std[c])
    return dbeta, dgamma


@kernel
def normalize_backward(dy, x, dx, mean, scale, offset, slope):
    """dx = scale * (dy - offset - slope * (x - mean)), for each channel."""
    M, C = x.shape
    for m in range(M):
        for c in range(C):
            dx[m, c] = scale[c] * (dy[m, c] - offset[c] - slope[c] * (x[m, c] - mean[c]))
