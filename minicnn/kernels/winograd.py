"""Winograd's transforms of image blocks, and their transposes for the gradients.

Each applies a small matrix to the columns of a block and then to its rows. What the matrices do to six or four numbers
is written once, in the functions at the top; a and b are the points of layers/winograd.py, where B^T and A^T stand. The
innermost loops run over numbers that lie side by side in memory, eight of which are transformed at once.

`x` is (N, H, W C) and `y` is (N, OH, OW F), `v` is (6, 6, N I J, C) and `m` is (6, 6, N I J, F) for I times J blocks an
image. The first block begins `top` rows above the image and `left` pixels beside it. Blocks reach beyond the edges:
what lies there counts as zero where it is read, and is left out where it is written.
"""

import numpy as np

from .jit import kernel


@kernel
def image_sums(d0, d1, d2, d3, d4, d5, a, b):
    """B^T d."""
    aa, bb = a * a, b * b
    even_a, odd_a = d4 - bb * d2, a * (d3 - bb * d1)
    even_b, odd_b = d4 - aa * d2, b * (d3 - aa * d1)
    first, last = d0 - (aa + bb) * d2 + d4, d1 - (aa + bb) * d3 + d5
    return first, even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, last


@kernel
def image_sums_backward(v0, v1, v2, v3, v4, v5, a, b):
    """B v."""
    aa, bb = a * a, b * b
    even_a, odd_a = v1 + v2, a * (v1 - v2)
    even_b, odd_b = v3 + v4, b * (v3 - v4)
    d1 = v5 - bb * odd_a - aa * odd_b
    d2 = -(aa + bb) * v0 - bb * even_a - aa * even_b
    d3 = -(aa + bb) * v5 + odd_a + odd_b
    return v0, d1, d2, d3, v0 + even_a + even_b, v5


@kernel
def product_sums(m0, m1, m2, m3, m4, m5, a, b):
    """A^T m."""
    aa, bb = a * a, b * b
    even_a, odd_a = m1 + m2, a * (m1 - m2)
    even_b, odd_b = m3 + m4, b * (m3 - m4)
    return m0 + even_a + even_b, odd_a + odd_b, aa * even_a + bb * even_b, aa * odd_a + bb * odd_b + m5


@kernel
def product_sums_backward(y0, y1, y2, y3, a, b):
    """A y: the polynomial y0 + y1 x + y2 x^2 + y3 x^3 at 0, a, -a, b and -b, and y3."""
    aa, bb = a * a, b * b
    even_a, odd_a = y0 + aa * y2, a * (y1 + aa * y3)
    even_b, odd_b = y0 + bb * y2, b * (y1 + bb * y3)
    return y0, even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, y3


@kernel
def transform_image(x, v, J, top, left, a, b):
    """v = B^T d B for each block d of 6x6 pixels; neighbours overlap by two."""
    N, H, R = x.shape
    C = v.shape[3]
    d = np.zeros((6, (4 * J + 2) * C), x.dtype)  # the pixels under a row of blocks
    inside = d[:, left * C : left * C + R]
    rows = np.empty_like(d)  # B^T d
    t = rows.reshape(6, 4 * J + 2, C)
    p = 0
    for n in range(N):
        for i in range(v.shape[2] // (N * J)):
            for k in range(6):
                h = 4 * i + k - top
                if 0 <= h < H:
                    for r in range(R):
                        inside[k, r] = x[n, h, r]
                else:
                    d[k] = 0
            for r in range(d.shape[1]):
                rows[0, r], rows[1, r], rows[2, r], rows[3, r], rows[4, r], rows[5, r] = image_sums(
                    d[0, r], d[1, r], d[2, r], d[3, r], d[4, r], d[5, r], a, b
                )
            for j in range(0, 4 * J, 4):
                for k in range(6):
                    for c in range(C):
                        v[k, 0, p, c], v[k, 1, p, c], v[k, 2, p, c], v[k, 3, p, c], v[k, 4, p, c], v[k, 5, p, c] = (
                            image_sums(
                                t[k, j, c],
                                t[k, j + 1, c],
                                t[k, j + 2, c],
                                t[k, j + 3, c],
                                t[k, j + 4, c],
                                t[k, j + 5, c],
                                a,
                                b,
                            )
                        )
                p += 1


@kernel
def transform_image_backward(dv, dx, J, top, left, a, b):
    """Add B dv B^T to the pixels of each block: the transpose of `transform_image`."""
    N, H, R = dx.shape
    C = dv.shape[3]
    d = np.empty((6, (4 * J + 2) * C), dx.dtype)  # gradient of the pixels under a row of blocks
    inside = d[:, left * C : left * C + R]
    rows = np.empty_like(d)  # dv B^T
    t = rows.reshape(6, 4 * J + 2, C)
    p = 0
    for n in range(N):
        for i in range(dv.shape[2] // (N * J)):
            t[:, :2] = 0
            for j in range(0, 4 * J, 4):
                for k in range(6):
                    for c in range(C):
                        d0, d1, t[k, j + 2, c], t[k, j + 3, c], t[k, j + 4, c], t[k, j + 5, c] = image_sums_backward(
                            dv[k, 0, p, c],
                            dv[k, 1, p, c],
                            dv[k, 2, p, c],
                            dv[k, 3, p, c],
                            dv[k, 4, p, c],
                            dv[k, 5, p, c],
                            a,
                            b,
                        )
                        t[k, j, c] += d0
                        t[k, j + 1, c] += d1
                p += 1
            for r in range(d.shape[1]):
                d[0, r], d[1, r], d[2, r], d[3, r], d[4, r], d[5, r] = image_sums_backward(
                    rows[0, r], rows[1, r], rows[2, r], rows[3, r], rows[4, r], rows[5, r], a, b
                )
            for k in range(6):
                h = 4 * i + k - top
                if 0 <= h < H:
                    for r in range(R):
                        dx[n, h, r] += inside[k, r]


@kernel
def transform_products(m, bias, y, a, b):
    """y = A^T m A + bias for each block: 4x4 outputs from 6x6 products; `bias` (OW F) is that of a row of pixels."""
    N, H, R = y.shape
    F = m.shape[3]
    J = (R // F + 3) // 4
    t = np.empty((4, 6, F), y.dtype)  # A^T m
    rows = np.empty((4, 4 * J * F), y.dtype)
    pixels = rows.reshape(4, 4 * J, F)
    p = 0
    for n in range(N):
        for i in range(0, H, 4):
            for j in range(0, 4 * J, 4):
                for k in range(6):
                    for f in range(F):
                        t[0, k, f], t[1, k, f], t[2, k, f], t[3, k, f] = product_sums(
                            m[0, k, p, f],
                            m[1, k, p, f],
                            m[2, k, p, f],
                            m[3, k, p, f],
                            m[4, k, p, f],
                            m[5, k, p, f],
                            a,
                            b,
                        )
                for k in range(4):
                    for f in range(F):
                        pixels[k, j, f], pixels[k, j + 1, f], pixels[k, j + 2, f], pixels[k, j + 3, f] = product_sums(
                            t[k, 0, f], t[k, 1, f], t[k, 2, f], t[k, 3, f], t[k, 4, f], t[k, 5, f], a, b
                        )
                p += 1
            for k in range(min(4, H - i)):
                for r in range(R):
                    y[n, i + k, r] = rows[k, r] + bias[r]


@kernel
def transform_products_backward(dy, dm, a, b):
    """dm = A dy A^T for each block: the transpose of `transform_products`."""
    N, H, R = dy.shape
    F = dm.shape[3]
    J = (R // F + 3) // 4
    d = np.zeros((4, 4 * J * F), dy.dtype)  # dy of a row of blocks
    rows = np.empty((6, 4 * J * F), dy.dtype)  # A dy
    t = rows.reshape(6, 4 * J, F)
    p = 0
    for n in range(N):
        for i in range(0, H, 4):
            for k in range(4):
                if i + k < H:
                    for r in range(R):
                        d[k, r] = dy[n, i + k, r]
                else:
                    d[k] = 0
            for r in range(d.shape[1]):
                rows[0, r], rows[1, r], rows[2, r], rows[3, r], rows[4, r], rows[5, r] = product_sums_backward(
                    d[0, r], d[1, r], d[2, r], d[3, r], a, b
                )
            for j in range(0, 4 * J, 4):
                for k in range(6):
                    for f in range(F):
                        (
                            dm[k, 0, p, f],
                            dm[k, 1, p, f],
                            dm[k, 2, p, f],
                            dm[k, 3, p, f],
                            dm[k, 4, p, f],
                            dm[k, 5, p, f],
                        ) = product_sums_backward(t[k, j, f], t[k, j + 1, f], t[k, j + 2, f], t[k, j + 3, f], a, b)
                p += 1
