"""Winograd's convolution: the same sums with 16 products where the definition has 36.

For kernels of 3x3 and stride 1. Cut y into blocks of 2x2; below each lies a block d of 4x4 pixels, which overlaps with
its neighbours by two. With the kernel g = w[:, :, c, f] of 3x3 and constant matrices B, G and A,

    u = G g G^T,   v = B^T d B                  each 4x4                                            (1)
    m[a, b, p, f] = sum over c of  v[a, b, p, c] u[a, b, c, f]      for each block p                (2)
    y = A^T m A                                 the block of 2x2 outputs                            (3)

          1  0 -1  0            1    0    0             1  1  1  0
    B^T = 0  1  1  0        G = 1/2  1/2  1/2     A^T = 0  1 -1 -1
          0 -1  1  0            1/2 -1/2  1/2
          0  1  0 -1            0    0    1

That (3) is the convolution can be seen along one axis: the first output is m0 + m1 + m2 with m0 = (d0 - d2) g0,
m1 = (d1 + d2) (g0 + g1 + g2) / 2 and m2 = (d2 - d1) (g0 - g1 + g2) / 2, which is d0 g0 + d1 g1 + d2 g2.

Equation (2) is 16 matrix products, one for each (a, b), and nearly all of the work. Every step is linear in its
variables, so that the chain rule walks back through (3), (2) and (1) with the transposed matrices:

    dm = A dy A^T                                                                                   (4)
    du = v^T dm,   dv = dm u^T                  for each (a, b)                                     (5)
    dg = G^T du G,   dd = B dv B^T              pixels in several blocks collect all their dd       (6)

Source: Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, F(2x2, 3x3).
"""

from __future__ import annotations

import numpy as np

from ..kernels import parallel
from ..kernels import winograd as kernels
from .columns import Tile, add_to_image, tiles, zero_image
from .windows import Windows

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
G_TWICE = np.kron(G, G)  # u = G g G^T, with g and u flattened: (16, 9)
FEWEST_CHANNELS = 8  # with fewer, (2) is too thin for a fast matrix product


def applies(windows: Windows, channels: int, filters: int, groups: int) -> bool:
    """Whether this convolution can be done so, and gains by it."""
    shape = (windows.kernel, windows.stride, windows.dilation, groups)
    return shape == ((3, 3), (1, 1), (1, 1), 1) and min(channels, filters) >= FEWEST_CHANNELS


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
    blocks, u = _blocks(windows), _transform_kernel(w)
    b = np.zeros(w.shape[3], w.dtype) if b is None else b
    OH, OW = windows.output
    y = np.empty((len(x), OH + OH % 2, OW + OW % 2, w.shape[3]), x.dtype)

    def convolve(images: slice) -> None:
        for tile in tiles(images, blocks, x.shape[3], x.itemsize):
            m = _transform_image(x, tile, blocks) @ u  # (2)
            kernels.transform_products(m, b, _rows_of(y, tile))  # (3)

    parallel.over_batch(convolve, len(x), x.size + y.size)
    return np.ascontiguousarray(y[:, :OH, :OW])


def backward(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, windows: Windows, need_dx: bool
) -> tuple[np.ndarray | None, np.ndarray]:
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
    """
    blocks, u = _blocks(windows), _transform_kernel(w)
    F = w.shape[3]
    OH, OW = windows.output
    if OH % 2 or OW % 2:
        dy = np.pad(dy, ((0, 0), (0, OH % 2), (0, OW % 2), (0, 0)))
    dx = np.zeros(x.shape, x.dtype) if need_dx else None

    def gradients(images: slice) -> np.ndarray:
        du, du_tile = np.zeros_like(u), np.empty(u.shape, u.dtype)
        for tile in tiles(images, blocks, x.shape[3], x.itemsize):
            v = _transform_image(x, tile, blocks)
            dm = np.empty((*v.shape[:3], F), x.dtype)
            kernels.transform_products_backward(_rows_of(dy, tile), dm)  # (4)
            du += np.matmul(v.transpose(0, 1, 3, 2), dm, out=du_tile)  # (5)
            if need_dx:
                dv = np.matmul(dm, u.transpose(0, 1, 3, 2), out=v)  # (5)
                dd = zero_image(tile, blocks, dx)
                kernels.transform_image_backward(dv, dd.reshape(*dd.shape[:2], -1))  # (6)
                add_to_image(dd, dx, tile, blocks)
        return du

    du = sum(parallel.over_batch(gradients, len(x), x.size + dy.size))
    dw = G_TWICE.T.astype(w.dtype) @ du.reshape(16, -1)  # (6)
    return dx, dw.reshape(w.shape)


def _blocks(windows: Windows) -> Windows:
    """The blocks d as windows of 4x4 on the image, with cells added at the bottom and on the right for an odd y."""
    (top, bottom), (left, right) = windows.padding
    OH, OW = windows.output
    return Windows(
        image=windows.image,
        kernel=(4, 4),
        stride=(2, 2),
        dilation=(1, 1),
        padding=((top, bottom + OH % 2), (left, right + OW % 2)),
        output=((OH + 1) // 2, (OW + 1) // 2),
    )


def _rows_of(y: np.ndarray, tile: Tile) -> np.ndarray:
    """View the outputs of a tile's blocks: two rows of y for a row of blocks."""
    return y[tile.images, 2 * tile.rows.start : 2 * tile.rows.stop]


def _transform_kernel(w: np.ndarray) -> np.ndarray:
    """Equation (1): u, shape (4, 4, C, F)."""
    u = G_TWICE.astype(w.dtype) @ w.reshape(9, -1)
    return u.reshape(4, 4, *w.shape[2:])


def _transform_image(x: np.ndarray, tile: Tile, blocks: Windows) -> np.ndarray:
    """Equation (1): v of one tile, shape (4, 4, blocks, C)."""
    d = blocks.padded(x[tile.images], blocks.rows_under(tile.rows))
    N, H, W, C = d.shape
    v = np.empty((4, 4, N * (H - 2) // 2 * (W - 2) // 2, C), x.dtype)
    kernels.transform_image(d.reshape(N, H, W * C), v)
    return v
