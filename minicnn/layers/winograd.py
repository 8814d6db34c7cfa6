"""Winograd's convolution: the same sums with 36 products where the definition has 144.

For kernels of 3x3 and stride 1. Cut y into blocks of 4x4; below each lies a block d of 6x6 pixels, which overlaps with
its neighbours by two. With the kernel g = w[:, :, c, f] of 3x3 and constant matrices B, G and A,

    u = G g G^T,   v = B^T d B                  each 6x6                                            (1)
    m[k, l, p, f] = sum over c of  v[k, l, p, c] u[k, l, c, f]      for each block p                (2)
    y = A^T m A                                 the block of 4x4 outputs                            (3)

With a = 1 / sqrt(2) and b = sqrt(2), so that a b = 1:

          1  0 -5/2  0   1  0           1    0    0
          0 -b  -2   a   1  0         -2/3 -2a/3 -1/3            1  1   1    1   1   0
    B^T = 0  b  -2  -a   1  0     G = -2/3  2a/3 -1/3      A^T = 0  a  -a    b  -b   0
          0 -a -1/2  b   1  0          1/6  b/6   1/3            0 1/2 1/2   2   2   0
          0  a -1/2 -b   1  0          1/6 -b/6   1/3            0 a/2 -a/2 2b  -2b  1
          0  1   0 -5/2  0  1           0    0    1

Why this is a convolution can be seen along one axis, backwards. Let g and some y be the coefficients of polynomials.
Their product has 6 coefficients, and is known when its values at the 5 points 0, a, -a, b, -b and its highest
coefficient are. A y and G g are such values of both (G g scaled), (G g) * (A y) those of the product, and B turns them
into its coefficients: the product's n-th is the sum of g[k] y[i] over i + k = n. So d^T B ((G g) * (A y)) is the sum of
d[i + k] g[k] y[i], and what stands there with y[i], row i of A^T ((G g) * (B^T d)), is the sum of d[i + k] g[k].

Points far from 1 give matrices of large and small numbers, which cost digits. With these points float32 errs a few
times as much as the direct sum; tests/test_winograd.py holds it to four bits.

Equation (2) is 36 matrix products, one for each (k, l), and nearly all of the work. Every step is linear in its
variables, so that the chain rule walks back through (3), (2) and (1) with the transposed matrices:

    dm = A dy A^T                                                                                   (4)
    du = v^T dm,   dv = dm u^T                  for each (k, l)                                     (5)
    dg = G^T du G,   dd = B dv B^T              pixels in several blocks collect all their dd       (6)

The bias and its gradient are those of conv2d.py.

Source: Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, F(4x4, 3x3), with other points.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ..kernels import parallel
from ..kernels import winograd as kernels
from ..kernels.batchnorm import channel_sums
from .columns import Tile, tiles
from .windows import Windows

SMALL, LARGE = 0.5**0.5, 2**0.5  # the points a and b
G = np.array(
    [
        [1, 0, 0],
        [-2 / 3, -2 / 3 * SMALL, -1 / 3],
        [-2 / 3, 2 / 3 * SMALL, -1 / 3],
        [1 / 6, 1 / 6 * LARGE, 1 / 3],
        [1 / 6, -1 / 6 * LARGE, 1 / 3],
        [0, 0, 1],
    ]
)
G_TWICE = np.kron(G, G)  # u = G g G^T, with g and u flattened: (36, 9)
FEWEST_CHANNELS = 8  # with fewer, (2) is too thin for a fast matrix product
TILE_CHANNELS = 32  # tiles grow with the channels beyond: products of few blocks would spend their time on reading u


def applies(windows: Windows, channels: int, filters: int, groups: int) -> bool:
    """Whether this convolution can be done so, and gains by it."""
    shape = (windows.kernel, windows.stride, windows.dilation, groups)
    if shape != ((3, 3), (1, 1), (1, 1), 1) or min(channels, filters) < FEWEST_CHANNELS:
        return False
    products, direct = 36 * prod(_blocks(windows).output), 9 * prod(windows.output)
    return 2 * products <= direct  # half the products at most: the transforms take their time, too


def forward(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, windows: Windows) -> np.ndarray:
    """Convolve, equations (1) to (3).

    Parameters
    ----------
    x : array, shape (N, H, W, C)
    w : array, shape (3, 3, C, F)
    b : array, shape (F,), optional
    windows : Windows

    Returns
    -------
    y : array, shape (N, OH, OW, F)
    """
    blocks, u, points = _blocks(windows), _transform_kernel(w), _points(x.dtype)
    OH, OW = windows.output
    b = np.zeros(w.shape[3], w.dtype) if b is None else b
    b_row, some_zero = np.tile(b, OW), not b.all()
    y = np.empty((len(x), OH, OW, w.shape[3]), x.dtype)

    def convolve(images: slice) -> None:
        for tile in tiles(images, blocks, min(x.shape[3], TILE_CHANNELS), x.itemsize):
            m = _transform_image(x, tile, blocks) @ u  # (2)
            kernels.transform_products(m, b_row, _rows_of(y, tile), *points)  # (3)
        if some_zero:
            _keep_exact(y[images], x[images], b, windows)

    parallel.over_batch(convolve, len(x), x.size + y.size)
    return y


def backward(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, windows: Windows, need_dx: bool
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Gradients by equations (4) to (6).

    Parameters
    ----------
    dy : array, shape (N, OH, OW, F)
    x, w, windows
        As in `forward`.
    need_dx : bool
        False leaves out dx, which is None then.

    Returns
    -------
    dx : array, shape (N, H, W, C)
    dw : array, shape (3, 3, C, F)
    db : array, shape (F,)
        Summed up in float64.
    """
    blocks, u, points = _blocks(windows), _transform_kernel(w), _points(x.dtype)
    dx = np.zeros(x.shape, x.dtype) if need_dx else None

    def gradients(images: slice) -> tuple[np.ndarray, np.ndarray]:
        db = channel_sums(dy[images].reshape(-1, w.shape[3]))
        du, du_tile = np.zeros_like(u), np.empty_like(u)
        for tile in tiles(images, blocks, min(x.shape[3], TILE_CHANNELS), x.itemsize):
            v = _transform_image(x, tile, blocks)
            dm = np.empty((*v.shape[:3], w.shape[3]), x.dtype)
            kernels.transform_products_backward(_rows_of(dy, tile), dm, *points)  # (4)
            du += np.matmul(v.transpose(0, 1, 3, 2), dm, out=du_tile)  # (5)
            if need_dx:
                dv = np.matmul(dm, u.transpose(0, 1, 3, 2), out=v)  # (5)
                kernels.transform_image_backward(dv, *_images(dx, tile, blocks), *points)  # (6)
        return du, db

    du, db = map(sum, zip(*parallel.over_batch(gradients, len(x), x.size + dy.size), strict=True))
    dw = parallel.matmul(G_TWICE.T.astype(w.dtype), du.reshape(36, -1))  # (6)
    return dx, dw.reshape(w.shape), db.astype(w.dtype)


def _keep_exact(y: np.ndarray, x: np.ndarray, b: np.ndarray, windows: Windows) -> None:
    """Make y just b where all pixels under the kernel are zero.

    Rounding in (3) leaves traces of the block's other pixels there. With b = 0, as training starts, they would put y at
    random on either side of ReLU's kink, where a direct sum gives 0.
    """
    OH, OW = windows.output
    lit = windows.padded(x.any(axis=3, keepdims=True))
    seen = np.zeros((len(x), OH, OW), bool)
    for ki, kj in np.ndindex(3, 3):
        seen |= lit[:, ki : ki + OH, kj : kj + OW, 0]
    y[~seen] = b


def _points(dtype: np.dtype) -> tuple[np.floating, np.floating]:
    """a and b in the images' dtype, so that the kernels compute in it."""
    return dtype.type(SMALL), dtype.type(LARGE)


def _blocks(windows: Windows) -> Windows:
    """The blocks d as windows of 6x6 on the image, the last of which may reach further beyond it than the padding."""
    (top, bottom), (left, right) = windows.padding
    OH, OW = windows.output
    return Windows(
        image=windows.image,
        kernel=(6, 6),
        stride=(4, 4),
        dilation=(1, 1),
        padding=((top, bottom + -OH % 4), (left, right + -OW % 4)),
        output=((OH + 3) // 4, (OW + 3) // 4),
    )


def _transform_kernel(w: np.ndarray) -> np.ndarray:
    """Equation (1): u, shape (6, 6, C, F)."""
    u = parallel.matmul(G_TWICE.astype(w.dtype), w.reshape(9, -1))
    return u.reshape(6, 6, *w.shape[2:])


def _transform_image(x: np.ndarray, tile: Tile, blocks: Windows) -> np.ndarray:
    """Equation (1): v of one tile, shape (6, 6, blocks, C)."""
    images, rows = (part.stop - part.start for part in tile)
    v = np.empty((6, 6, images * rows * blocks.output[1], x.shape[3]), x.dtype)
    part, *place = _images(x, tile, blocks)
    kernels.transform_image(part, v, *place, *_points(x.dtype))
    return v


def _images(x: np.ndarray, tile: Tile, blocks: Windows) -> tuple[np.ndarray, int, int, int]:
    """What the kernels ask about the image under a tile: a view (N, H, W C), blocks in a row, top and left."""
    (top, _), (left, _) = blocks.padding
    images = x[tile.images]
    return images.reshape(*images.shape[:2], -1), blocks.output[1], top - 4 * tile.rows.start, left


def _rows_of(y: np.ndarray, tile: Tile) -> np.ndarray:
    """View the outputs of a tile's blocks, four rows of y for a row of blocks: (N, rows, OW F)."""
    rows = y[tile.images, 4 * tile.rows.start : 4 * tile.rows.stop]
    return rows.reshape(*rows.shape[:2], -1)
