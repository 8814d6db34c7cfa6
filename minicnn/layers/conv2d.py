"""Convolution: one small kernel of weights slides over the image, the same at every position.

With x padded, stride s and dilation d (each may differ per axis), filter f:

    y[n,i,j,f] = b[f] + sum over ki, kj, c of  x[n, i s + ki d, j s + kj d, c]  w[ki, kj, c, f]     (1)

Write the patch under window p = (n, i, j) as row p of a matrix `columns` (columns.py) and the kernel as a matrix with a
row for each (ki, kj, c). Then (1) is a dense layer on patches:

    y = columns w + b                                                                               (2)

and the chain rule is the dense layer's, with one step more at the end:

    db = sum over p of dy[p]                                                                        (3)
    dw = columns^T dy                                                                               (4)
    dcolumns = dy w^T                                                                               (5)
    dx = col2im(dcolumns): each pixel collects the gradient of every patch that it lies in          (6)

With b as the last row of the matrix and a column of ones beside the columns, (2) is one product, and (3) the last row
of (4).

With groups, channels and filters are split into G equal parts and each part is convolved alone; G = C is the depthwise
convolution. The columns of a tile are made again in the backward pass: copying is cheaper than keeping them.

Kernels of 3x3 at stride 1 on several channels compute the same sums with fewer products: winograd.py.

Source: LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86, 1998.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .. import initializers
from ..arguments import checked_count, checked_flag
from ..kernels import parallel
from . import winograd
from .checks import check_image_shape, check_same_dtype, checked_array, checked_cache, checked_dy
from .columns import col2im, im2col, tiles
from .layer import Layer
from .windows import Padding, Pair, Windows, check_options, pair


class Conv2DCache(NamedTuple):
    """What `conv2d_backward` needs of the forward pass."""

    x: np.ndarray
    w: np.ndarray
    with_bias: bool
    windows: Windows
    groups: int


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
    """Convolve a batch of images, equations (1) and (2).

    Parameters
    ----------
    x : array, shape (N, H, W, C)
    w : array, shape (KH, KW, C / groups, F)
    b : array, shape (F,), optional
    stride, dilation : int or (int, int)
        In pixels, (vertical, horizontal).
    padding : int, (int, int), ((int, int), (int, int)), "same" or "valid"
        Zeros around the image, in pixels: the same everywhere, (vertical, horizontal), or
        ((top, bottom), (left, right)).
    groups : int
        Divides C and F.

    Returns
    -------
    y : array, shape (N, OH, OW, F), dtype of `x`
    cache : Conv2DCache

    Raises
    ------
    TypeError
        If the arrays are not all float32 or all float64.
    ValueError
        If shapes or options do not fit together.

    Examples
    --------
    >>> from minicnn.functional import conv2d_forward
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> w = np.array([[-1.0, 1.0]]).reshape(1, 2, 1, 1)  # each pixel minus its left neighbour
    >>> y, cache = conv2d_forward(x, w)
    >>> y.shape, np.unique(y)
    ((1, 4, 3, 1), array([1.]))
    """
    x, w = _checked(x, w, b, groups)
    windows = Windows.on(x.shape[1:3], w.shape[:2], stride, padding, dilation, "The convolution")
    cache = Conv2DCache(x, w, b is not None, windows, groups)
    if winograd.applies(windows, *w.shape[2:], groups):
        return winograd.forward(x, w, b, windows), cache
    y = np.empty((len(x), *windows.output, w.shape[3]), x.dtype)
    weights = _as_matrix(w, groups) if b is None else _with_bias(w, b, groups)

    def convolve(images: slice) -> None:
        for tile in tiles(images, windows, x.shape[3], x.itemsize):
            columns = im2col(x, tile, windows, groups, ones=b is not None)
            np.matmul(columns, weights, out=tile.positions(y, groups))  # (2)

    parallel.over_batch(convolve, len(x), x.size + y.size)
    return y, cache


def conv2d_backward(
    dy: np.ndarray, cache: Conv2DCache, *, need_dx: bool = True
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray | None]:
    """Gradients of the convolution, equations (3) to (6).

    Parameters
    ----------
    dy : array, shape (N, OH, OW, F)
    cache : Conv2DCache
    need_dx : bool
        False leaves out (5) and (6), and dx is None.

    Returns
    -------
    dx : array, shape (N, H, W, C)
    dw : array, shape (KH, KW, C / groups, F)
    db : array, shape (F,); None if there was no bias

    Examples
    --------
    >>> from minicnn.functional import conv2d_backward, conv2d_forward
    >>> y, cache = conv2d_forward(np.ones((1, 3, 3, 1)), np.ones((2, 2, 1, 1)), np.zeros(1))
    >>> dx, dw, db = conv2d_backward(np.ones(y.shape), cache)
    >>> dx[0, :, :, 0]  # in how many windows each pixel lies
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    x, w, with_bias, windows, groups = checked_cache(cache, Conv2DCache, "conv2d_forward")
    dy = checked_dy(dy, (len(x), *windows.output, w.shape[3]), x.dtype)
    if winograd.applies(windows, *w.shape[2:], groups):
        dx, dw, db = winograd.backward(dy, x, w, windows, need_dx)
    else:
        dx, dw, db = backward_by_im2col(dy, x, w, windows, groups, need_dx)
    return dx, dw, db if with_bias else None


def backward_by_im2col(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, need_dx: bool
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Equations (3) to (6), tile by tile."""
    w_matrix = _as_matrix(w, groups)
    G, K, F = w_matrix.shape
    dx = np.zeros(x.shape, x.dtype) if need_dx else None

    def gradients(images: slice) -> np.ndarray:
        dweights = np.zeros((G, K + 1, F), x.dtype)  # of w, and in the last row of b
        for tile in tiles(images, windows, x.shape[3], x.itemsize):
            dy_tile = tile.positions(dy, groups)
            columns = im2col(x, tile, windows, groups, ones=True)
            dweights += columns.transpose(0, 2, 1) @ dy_tile  # (3), (4)
            if need_dx:
                dcolumns = dy_tile @ w_matrix.transpose(0, 2, 1)  # (5)
                col2im(dcolumns, dx, tile, windows, groups)  # (6)
        return dweights

    dweights = sum(parallel.over_batch(gradients, len(x), x.size + dy.size))
    dw, db = dweights[:, :-1], dweights[:, -1]
    return dx, dw.transpose(1, 0, 2).reshape(w.shape), db.reshape(-1)


def _as_matrix(w: np.ndarray, groups: int) -> np.ndarray:
    """View the kernel (KH, KW, C/G, F) as one matrix a group: (G, KH * KW * C/G, F/G)."""
    return w.reshape(-1, groups, w.shape[3] // groups).transpose(1, 0, 2)


def _with_bias(w: np.ndarray, b: np.ndarray, groups: int) -> np.ndarray:
    """The same with the bias as one more row, which a column of ones multiplies: (G, KH * KW * C/G + 1, F/G)."""
    return np.concatenate([_as_matrix(w, groups), b.reshape(groups, 1, -1)], axis=1)


def _checked(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x and w, C-contiguous, if all arrays fit together."""
    x = checked_array(x, "x", "(N, H, W, C)")
    w = checked_array(w, "w", "(KH, KW, C / groups, F)")
    check_same_dtype(x=x, w=w, b=b)
    C, F = x.shape[3], w.shape[3]
    check_groups(C, F, groups)
    if w.shape[2] != C // groups:
        raise ValueError(
            f"w must have shape (KH, KW, {C // groups}, F) for images of {C} channels in {groups} group(s), "
            f"got {w.shape}."
        )
    if b is not None and b.shape != (F,):
        raise ValueError(f"b must have shape ({F},), one number a filter, got {b.shape}.")
    return x, w


def check_groups(C: int, F: int, groups: int) -> None:
    """See that `groups` divides channels and filters."""
    whole = isinstance(groups, (int, np.integer)) and not isinstance(groups, bool)
    if not whole or groups < 1 or C % groups or F % groups:
        raise ValueError(f"groups must divide the {C} channels and the {F} filters, got groups={groups!r}.")


class Conv2D(Layer):
    """Convolution of images (N, H, W, C) with `filters` kernels.

    Parameters
    ----------
    filters : int
        Number of output channels F.
    kernel_size : int or (int, int)
        In pixels, (vertical, horizontal).
    stride, padding, dilation, groups
        As in `conv2d_forward`.
    use_bias : bool
        False where a batch norm follows, which takes any bias out again.
    initializer : str or function
        Of the kernel, see `minicnn.initializers`; biases start at zero.

    Examples
    --------
    >>> from minicnn import Conv2D
    >>> layer = Conv2D(16, 3, stride=2, padding="same")
    >>> layer.build((28, 28, 1))
    (14, 14, 16)
    >>> {name: array.shape for name, array in layer.params.items()}
    {'w': (3, 3, 1, 16), 'b': (16,)}
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: Padding = "valid",
        dilation: int | Pair = 1,
        groups: int = 1,
        use_bias: bool = True,
        initializer: str | initializers.Initializer = "he_uniform",
    ):
        check_options(kernel_size, stride, padding, dilation)
        initializers.get(initializer)
        self.filters, self.kernel_size = checked_count("Conv2D", "filters", filters, at_least=1), kernel_size
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.groups = checked_count("Conv2D", "groups", groups, at_least=1)
        self.use_bias, self.initializer = checked_flag("Conv2D", "use_bias", use_bias), initializer

    def output_shape_for(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """(OH, OW, F) for images (H, W, C)."""
        H, W, C = check_image_shape(self, input_shape)
        check_groups(C, self.filters, self.groups)
        windows = Windows.on((H, W), self.kernel_size, self.stride, self.padding, self.dilation, repr(self))
        return (*windows.output, self.filters)

    def param_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Kernel (KH, KW, C / groups, F) and biases (F,)."""
        w = (*pair(self.kernel_size, "kernel_size"), input_shape[2] // self.groups, self.filters)
        return {"w": w, "b": (self.filters,)} if self.use_bias else {"w": w}

    def build_params(self) -> None:
        """Draw the kernel; biases are zero."""
        shapes = self.param_shapes(self.input_shape)
        self.params["w"] = initializers.draw(self.initializer, shapes["w"], self.rng, self.dtype)
        if self.use_bias:
            self.params["b"] = np.zeros(shapes["b"], self.dtype)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Convolve; training and evaluation are the same."""
        y, self.cache = conv2d_forward(
            x,
            **self.params,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return y

    def backward(self, dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
        """Gradients of kernel and bias into `grads`; returns dx."""
        dx, *gradients = conv2d_backward(dy, self.cache, need_dx=need_dx)
        self.grads = dict(zip(self.params, gradients, strict=False))
        return dx

    def backward_params(self, dy: np.ndarray) -> None:
        """`backward` without dx."""
        self.backward(dy, need_dx=False)
