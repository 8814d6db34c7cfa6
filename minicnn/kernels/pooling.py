"""Maximum over windows, and its gradient back to the winner.

In both the channels are the innermost loop that remains when the compiler is done; they lie side by side, and all
numbers in it are 32 bits wide for float32 images, so that eight channels are handled at once.
"""

import numpy as np

from .jit import kernel


@kernel
def max_pool(x, y, winner, cells, first, stride_i, stride_j):
    """Put the maximum of x over some cells (ki, kj) of each window into y, and its place first + k into winner.

    It begins with what y and winner hold, so that a large window can be done a few cells at a time. A later equal value
    does not win (>), so that the first maximum in row-major order stays; NaN wins over everything, so that it is not
    lost. `cells` is a tuple: its length is known to the compiler, which writes the loop over k out.
    """
    N, OH, OW, C = y.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for c in range(C):
                    best, place = y[n, i, j, c], winner[n, i, j, c]
                    for k in range(len(cells)):
                        value = x[n, i * stride_i + cells[k][0], j * stride_j + cells[k][1], c]
                        better = value > best or value != value
                        best = value if better else best
                        place = np.int32(first + k) if better else place
                    y[n, i, j, c], winner[n, i, j, c] = best, place


@kernel
def max_pool_backward(dy, winner, dx, KH, KW, stride_i, stride_j):
    """dx[n, row, column, c] = sum of dy[n, i, j, c] over the windows (i, j) that this entry won.

    Each image of dx is cleared just before it is filled, so that it comes into the cache once.
    """
    N, OH, OW, C = dy.shape
    zero = dy.dtype.type(0)
    for n in range(N):
        dx[n] = 0
        for i in range(OH):
            for j in range(OW):
                for ki in range(KH):
                    for kj in range(KW):
                        for c in range(C):
                            won = winner[n, i, j, c] == np.int32(ki * KW + kj)
                            dx[n, i * stride_i + ki, j * stride_j + kj, c] += dy[n, i, j, c] if won else zero
