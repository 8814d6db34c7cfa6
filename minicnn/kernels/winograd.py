"""Winograd's transforms of image blocks, and their transposes for the gradients.

Each applies a small matrix to the rows of a block and then to its columns. The first step takes a whole row of blocks
at once, so that pixels shared by neighbours are added once. The innermost loops run over numbers that lie side by side
in memory, eight of which are added at once; where there are four of them in a row, one loop would be slower.

`x` is (N, 2 I + 2, (2 J + 2) C) for I times J blocks an image, `y` is (N, 2 I, 2 J, F), `v` is (4, 4, N I J, C) and `m`
is (4, 4, N I J, F).
"""

import numpy as np

from .jit import kernel


@kernel
def transform_image(x, v):
    """v = B^T d B for each block d of 4x4 pixels; neighbours overlap by two."""
    N, H, R = x.shape
    C = v.shape[3]
    rows = np.empty((4, R), x.dtype)  # B^T d
    t = rows.reshape(4, R // C, C)
    p = 0
    for n in range(N):
        for i in range(0, H - 2, 2):
            for r in range(R):
                rows[0, r] = x[n, i, r] - x[n, i + 2, r]
                rows[1, r] = x[n, i + 1, r] + x[n, i + 2, r]
                rows[2, r] = x[n, i + 2, r] - x[n, i + 1, r]
                rows[3, r] = x[n, i + 1, r] - x[n, i + 3, r]
            for j in range(0, R // C - 2, 2):
                for k in range(4):
                    for c in range(C):
                        v[k, 0, p, c] = t[k, j, c] - t[k, j + 2, c]
                    for c in range(C):
                        v[k, 1, p, c] = t[k, j + 1, c] + t[k, j + 2, c]
                    for c in range(C):
                        v[k, 2, p, c] = t[k, j + 2, c] - t[k, j + 1, c]
                    for c in range(C):
                        v[k, 3, p, c] = t[k, j + 1, c] - t[k, j + 3, c]
                p += 1


@kernel
def transform_image_backward(dv, dx):
    """Add B dv B^T to the 4x4 pixels of each block: the transpose of `transform_image`."""
    N, H, R = dx.shape
    C = dv.shape[3]
    rows = np.empty((4, R), dx.dtype)  # dv B^T
    t = rows.reshape(4, R // C, C)
    p = 0
    for n in range(N):
        for i in range(0, H - 2, 2):
            rows[:] = 0
            for j in range(0, R // C - 2, 2):
                for k in range(4):
                    for c in range(C):
                        t[k, j, c] += dv[k, 0, p, c]
                    for c in range(C):
                        t[k, j + 1, c] += dv[k, 1, p, c] - dv[k, 2, p, c] + dv[k, 3, p, c]
                    for c in range(C):
                        t[k, j + 2, c] += dv[k, 1, p, c] + dv[k, 2, p, c] - dv[k, 0, p, c]
                    for c in range(C):
                        t[k, j + 3, c] -= dv[k, 3, p, c]
                p += 1
            for r in range(R):
                dx[n, i, r] += rows[0, r]
                dx[n, i + 1, r] += rows[1, r] - rows[2, r] + rows[3, r]
                dx[n, i + 2, r] += rows[1, r] + rows[2, r] - rows[0, r]
                dx[n, i + 3, r] -= rows[3, r]


@kernel
def transform_products(m, b, y):
    """y = A^T m A + b for each block: 2x2 outputs from 4x4 products, and a bias for each filter."""
    N, H, W, F = y.shape
    t = np.empty((2, 4, F), y.dtype)
    p = 0
    for n in range(N):
        for i in range(0, H, 2):
            for j in range(0, W, 2):
                for k in range(4):
                    for f in range(F):
                        t[0, k, f] = m[0, k, p, f] + m[1, k, p, f] + m[2, k, p, f]
                        t[1, k, f] = m[1, k, p, f] - m[2, k, p, f] - m[3, k, p, f]
                for k in range(2):
                    for f in range(F):
                        y[n, i + k, j, f] = t[k, 0, f] + t[k, 1, f] + t[k, 2, f] + b[f]
                        y[n, i + k, j + 1, f] = t[k, 1, f] - t[k, 2, f] - t[k, 3, f] + b[f]
                p += 1


@kernel
def transform_products_backward(dy, dm):
    """dm = A dy A^T for each block: the transpose of `transform_products`."""
    N, H, W, F = dy.shape
    t = np.empty((4, W, F), dy.dtype)
    p = 0
    for n in range(N):
        for i in range(0, H, 2):
            for w in range(W):
                for f in range(F):
                    t[0, w, f] = dy[n, i, w, f]
                    t[1, w, f] = dy[n, i, w, f] + dy[n, i + 1, w, f]
                    t[2, w, f] = dy[n, i, w, f] - dy[n, i + 1, w, f]
                    t[3, w, f] = -dy[n, i + 1, w, f]
            for j in range(0, W, 2):
                for k in range(4):
                    for f in range(F):
                        dm[k, 0, p, f] = t[k, j, f]
                        dm[k, 1, p, f] = t[k, j, f] + t[k, j + 1, f]
                        dm[k, 2, p, f] = t[k, j, f] - t[k, j + 1, f]
                        dm[k, 3, p, f] = -t[k, j + 1, f]
                p += 1
