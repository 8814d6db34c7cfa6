"""im2col: the patches of a batch of images as rows of a matrix, a tile at a time.

Row p = (n, i, j) of the column matrix is the patch under window (i, j) of image n, so that a convolution becomes one
matrix product:

    columns[g, p, (ki, kj, c)] = x_padded[n, i s + ki d, j s + kj d, g C/G + c]                     (1)

g counts the groups of channels (one group: G = 1). The whole matrix would be KH KW times as large as the images; a tile
of it is used while it is still in the processor's cache, and memory does not grow with the batch.

Source: Chellapilla et al., "High performance convolutional neural networks for document processing", 2006.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..kernels import col2im as kernels
from .windows import Windows

TILE_BYTES = 1 << 20  # small enough to stay in the cache, large enough that adding up dw tile by tile is cheap
FEW_CHANNELS = 3  # up to which a run of OW pixels is longer, and quicker to copy, than one of KW C numbers


class Tile(NamedTuple):
    """Some whole images, or some output rows of one image."""

    images: slice
    rows: slice

    def positions(self, y: np.ndarray, groups: int) -> np.ndarray:
        """The tile's part of y (N, OH, OW, F) as (G, positions, F/G): a view."""
        part = y[self.images, self.rows]
        return part.reshape(-1, groups, y.shape[3] // groups).transpose(1, 0, 2)


def tiles(images: slice, windows: Windows, channels: int, itemsize: int) -> Iterator[Tile]:
    """Cut a slice of the batch into tiles of about `TILE_BYTES` of columns."""
    OH, OW = windows.output
    row_bytes = OW * windows.kernel[0] * windows.kernel[1] * channels * itemsize
    rows = max(1, TILE_BYTES // row_bytes)
    if rows >= OH:
        step = rows // OH
        for start in range(images.start, images.stop, step):
            yield Tile(slice(start, min(start + step, images.stop)), slice(0, OH))
    else:
        parts = -(-OH // rows)
        for n in range(images.start, images.stop):
            for k in range(parts):
                yield Tile(slice(n, n + 1), slice(OH * k // parts, OH * (k + 1) // parts))


def im2col(x: np.ndarray, tile: Tile, windows: Windows, groups: int = 1, ones: bool = False) -> np.ndarray:
    """The columns of one tile, equation (1).

    Parameters
    ----------
    x : array, shape (N, H, W, C)
    tile : Tile
    windows : Windows
    groups : int
    ones : bool
        Whether a column of ones follows, for a bias as the last row of the weights.

    Returns
    -------
    columns : array, shape (groups, positions, KH * KW * C / groups), or one column more
        With few channels it lies in memory column by column, so that whole image rows are copied at a time.
    """
    padded = windows.padded(x[tile.images], windows.rows_under(tile.rows))
    G, N, OH, OW, KH, KW, C = shape = _shape(tile, windows, x.shape[3], groups)
    P, K = N * OH * OW, KH * KW * C
    if C <= FEW_CHANNELS:
        columns = np.empty((G, K + ones, P), x.dtype).transpose(0, 2, 1)
    else:
        columns = np.empty((G, P, K + ones), x.dtype)
    columns[..., :K].reshape(shape)[...] = _patches(padded, shape, windows)  # (1); a view, for axes are only split
    columns[..., K:] = 1
    return columns


def col2im(dcolumns: np.ndarray, dx: np.ndarray, tile: Tile, windows: Windows, groups: int = 1) -> None:
    """Add the gradient of a tile's columns to the pixels they were copied from: the transpose of `im2col`.

    Parameters
    ----------
    dcolumns : array, shape (groups, positions, KH * KW * C / groups)
    dx : array, shape (N, H, W, C)
        Added to in place.
    tile, windows, groups
        As in `im2col`.
    """
    padded = _zero_image(tile, windows, dx)
    dcolumns = dcolumns.reshape(_shape(tile, windows, dx.shape[3], groups))
    step_i, step_j = windows.stride
    if _rows_are_runs(windows, groups):
        rows = padded.reshape(*padded.shape[:2], -1)
        dcolumns = dcolumns.reshape(*dcolumns.shape[1:5], -1)
        kernels.col2im(dcolumns, rows, step_i, step_j * dx.shape[3], windows.dilation[0])
    else:
        patches = _patches(padded, dcolumns.shape, windows)
        for ki, kj in np.ndindex(*windows.kernel):  # no two cells of one (ki, kj) share a pixel
            patches[..., ki, kj, :] += dcolumns[..., ki, kj, :]
    _add_to_image(padded, dx, tile, windows)


def _zero_image(tile: Tile, windows: Windows, dx: np.ndarray) -> np.ndarray:
    """Zeros for the gradient of the padded pixels under a tile: (N, rows, W + left + right, C)."""
    under = windows.rows_under(tile.rows)
    images = tile.images.stop - tile.images.start
    return np.zeros((images, under.stop - under.start, windows.padded_image[1], dx.shape[3]), dx.dtype)


def _add_to_image(padded: np.ndarray, dx: np.ndarray, tile: Tile, windows: Windows) -> None:
    """Add the gradient of the padded pixels under a tile to dx, without the padding."""
    (top, _), (left, _) = windows.padding
    H, W = windows.image
    under = windows.rows_under(tile.rows)
    first, last = max(under.start - top, 0), min(under.stop - top, H)
    offset = first + top - under.start
    dx[tile.images, first:last] += padded[:, offset : offset + last - first, left : left + W]


def _shape(tile: Tile, windows: Windows, channels: int, groups: int) -> tuple[int, ...]:
    """(G, N, OH, OW, KH, KW, C/G) of a tile's columns."""
    images, rows = (s.stop - s.start for s in tile)
    return (groups, images, rows, windows.output[1], *windows.kernel, channels // groups)


def _rows_are_runs(windows: Windows, groups: int) -> bool:
    """Whether the KW*C numbers of a kernel row lie side by side in the image."""
    return groups == 1 and windows.dilation[1] == 1


def _patches(padded: np.ndarray, shape: tuple[int, ...], windows: Windows) -> np.ndarray:
    """Equation (1) as a view (G, N, OH, OW, KH, KW, C/G) of the padded images; no number is copied."""
    (si, sj), (di, dj) = windows.stride, windows.dilation
    n, i, j, c = padded.strides
    return np.ndarray(shape, padded.dtype, padded, strides=(shape[-1] * c, n, si * i, sj * j, di * i, dj * j, c))
