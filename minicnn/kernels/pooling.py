"""Maximum over windows, and its gradient back to the winner.

In both the channels are innermost, where they lie side by side, and all numbers of the innermost loop are 32 bits wide
for float32 images, so that the compiler handles eight channels at once.
"""

import numpy as np

from .jit import kernel


@kernel
def max_pool(x, y, winner, KH, KW, stride_i, stride_j):
    """y[n, i, j, c] = the maximum of x over window (i, j); winner[n, i, j, c] = its place ki*KW + kj.

    A later equal value does not win (>), so that the first maximum in row-major order stays; NaN wins over everything,
    so that it is not lost.
    """
    N, OH, OW, C = y.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for c in range(C):
                    y[n, i, j, c] = x[n, i * stride_i, j * stride_j, c]
                    winner[n, i, j, c] = 0
                for k in range(1, KH * KW):
                    row = i * stride_i + k // KW
                    column = j * stride_j + k % KW
                    for c in range(C):
                        value = x[n, row, column, c]
                        better = value > y[n, i, j, c] or value != value
                        y[n, i, j, c] = value if better else y[n, i, j, c]
                        winner[n, i, j, c] = k if better else winner[n, i, j, c]


@kernel
def max_pool_backward(dy, winner, dx, KH, KW, stride_i, stride_j):
    """Add dy[n, i, j, c] to the entry of dx that won window (i, j); windows that overlap add up."""
    N, OH, OW, C = dy.shape
    zero = dy.dtype.type(0)
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for k in range(KH * KW):
                    row = i * stride_i + k // KW
                    column = j * stride_j + k % KW
                    for c in range(C):
                        won = winner[n, i, j, c] == np.int32(k)
                        dx[n, row, column, c] += dy[n, i, j, c] if won else zero
