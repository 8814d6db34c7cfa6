"""Convolutions in one, two or three dimensions, with stride, padding, dilation and groups, in any layout.

With images as in windows.py and the weights as (offsets, channels of a group, groups, filters of a group):

    patches  = pad(x)[:, index]
    y        = patches w + b                    sum over offsets and channels, within each group    (1)
    dpatches = dy w^T,    dx = crop(scatter(dpatches))                                              (2)
    dw       = patches^T dy,    db = sum(dy)    sums over images and windows                        (3)
"""

from __future__ import annotations

import numpy as np

from .operation import Mistake, Values
from .windows import OVERWRITTEN, Windows


def in_groups(a: np.ndarray, groups: int) -> np.ndarray:
    """(..., C) as (..., groups, C / groups)."""
    return a.reshape(*a.shape[:-1], groups, -1)


def _patches(v: Values, windows: Windows | None = None, index: np.ndarray | None = None) -> np.ndarray:
    windows = v.windows if windows is None else windows
    return in_groups(windows.pad(v.x)[:, windows.index if index is None else index], v.groups)


def _dpatches(v: Values, dy: np.ndarray, w: np.ndarray) -> np.ndarray:
    """First half of (2): (B, windows, offsets, groups, channels of a group)."""
    return np.einsum("bpgf,kcgf->bpkgc", in_groups(dy, v.groups), w)


def _dw(v: Values, patches: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Equation (3)."""
    return np.einsum("bpkgc,bpgf->kcgf", patches, in_groups(dy, v.groups))


STEPS = {
    "x": lambda v: v.to_images(v.x_given),
    "w": lambda v: v.to_weights(v.w_given),
    "dy": lambda v: v.to_outputs(v.dy_given),
    "dy_given": lambda v: v.dy_of_y,
    "w_of_dx": lambda v: v.w,
    "dpatches_by_group": lambda v: _dpatches(v, v.dy, v.w_of_dx),
    "dpatches": lambda v: v.dpatches_by_group.reshape(*v.dpatches_by_group.shape[:3], -1),
    "dpadded": lambda v: v.windows.scatter(v.dpatches),
    "dx": lambda v: v.windows.crop(v.dpadded),  # (2)
    "patches": _patches,
    "dy_of_sums": lambda v: v.dy,
    "dw": lambda v: _dw(v, v.patches, v.dy_of_sums),
    "db": lambda v: v.dy_of_sums.sum(axis=(0, 1)),
}


def forward(v: Values) -> np.ndarray:
    """Equation (1) without b: (B, windows, F)."""
    y = np.einsum("bpkgc,kcgf->bpgf", v.patches, v.w)
    return y.reshape(*y.shape[:2], -1)


# ---- mistakes ----


def _turned(v: Values, w: np.ndarray, axes: tuple[int, ...] | None = None) -> np.ndarray:
    """The kernel turned by 180 degrees, or mirrored along some axes."""
    kernel = v.windows.kernel
    return np.flip(w.reshape(*kernel, *w.shape[1:]), axes or tuple(range(len(kernel)))).reshape(w.shape)


def _kernel_transposed(v: Values, w: np.ndarray) -> np.ndarray | None:
    kernel = v.windows.kernel
    if len(set(kernel)) != 1 or len(kernel) != 2:
        return None
    return w.reshape(*kernel, *w.shape[1:]).swapaxes(0, 1).reshape(w.shape)


def _channels_swapped(w: np.ndarray) -> np.ndarray | None:
    return w.swapaxes(1, 3) if w.shape[1] == w.shape[3] else None


def _ones(v: Values) -> tuple[int, ...]:
    return (1,) * len(v.windows.kernel)


def _last_filter(v: Values) -> np.ndarray:
    dy = np.zeros_like(v.dy)
    dy[..., -1] = v.dy[..., -1]  # with groups, of the last group
    return _dpatches(v, dy, v.w_of_dx)


OF_DX = (
    *OVERWRITTEN,
    Mistake(
        "overwritten",
        "dpatches_by_group",
        _last_filter,
        "only the last filter's gradient is left in dx: dx[window] = w[f] * dy[f] in the loop over filters should be "
        "dx[window] += ...",
    ),
    Mistake(
        "stride-ignored",
        "dpadded",
        lambda v: v.windows.scatter(v.dpatches, v.windows.index_of(_ones(v), v.windows.dilation)),
        "the stride is ignored in dx: window (i, j) begins at (i * stride, j * stride), not at (i, j).",
    ),
    Mistake(
        "stride-ignored",
        "dpadded",
        lambda v: v.windows.scatter(v.dpatches, v.windows.index_of(v.windows.stride, _ones(v))),
        "the dilation is ignored in dx: offset k of the kernel lies k * dilation from the window's beginning.",
    ),
    Mistake(
        "flipped-kernel",
        "w_of_dx",
        lambda v: _turned(v, v.w),
        "the kernel is turned by 180 degrees in dx: dx[i * stride + k] += w[k] * dy[i] takes w as it is (only in the "
        "form of a convolution of the padded dy with w it has to be turned).",
    ),
    Mistake(
        "transposed",
        "w_of_dx",
        lambda v: _kernel_transposed(v, v.w),
        "the kernel's height and width are swapped in dx.",
    ),
    Mistake(
        "transposed",
        "w_of_dx",
        lambda v: _channels_swapped(v.w),
        "input channels and filters of w are swapped in dx: dx[..., c] sums w[..., c, f] * dy[..., f] over f.",
    ),
    Mistake(
        "flipped-kernel",
        "w_of_dx",
        lambda v: _turned(v, _channels_swapped(v.w)),
        "the kernel is turned by 180 degrees in dx, and its input channels and filters are swapped.",
        rank=2,
    ),
    Mistake(
        "term-missing",
        "w_of_dx",
        lambda v: np.broadcast_to(v.w[:, :, :1], v.w.shape) if v.groups > 1 else None,
        "the gradient of every group is made with the weights of the first group.",
    ),
)


def _all_padding(v: Values) -> tuple[int, ...]:
    return tuple(p - n for p, n in zip(v.windows.padded, v.windows.image, strict=True))


OF_DW = (
    Mistake(
        "shifted",
        "patches",
        lambda v: _patches(v, v.windows.with_padding((0,) * len(v.windows.kernel))) if any(v.windows.before) else None,
        "the patches of dw are cut from x without its padding: take them from the padded x, as in forward.",
    ),
    Mistake(
        "shifted",
        "patches",
        lambda v: _patches(v, v.windows.with_padding(_all_padding(v))) if any(v.windows.ends) else None,
        "the patches of dw are cut from x with all of its padding at the beginning: they are shifted.",
    ),
    Mistake(
        "stride-ignored",
        "patches",
        lambda v: _patches(v, None, v.windows.index_of(_ones(v), v.windows.dilation)),
        "the stride is ignored in dw: the patch of dy[i, j] begins at x[i * stride, j * stride].",
    ),
    Mistake(
        "stride-ignored",
        "patches",
        lambda v: _patches(v, None, v.windows.index_of(v.windows.stride, _ones(v))),
        "the dilation is ignored in dw: offset k of the kernel sees the pixel k * dilation away.",
    ),
    Mistake(
        "flipped-kernel",
        "dw",
        lambda v: _turned(v, v.right("dw")),
        "dw is turned by 180 degrees: dw[k] = sum over i of x[i * stride + k] * dy[i].",
    ),
    Mistake(
        "transposed",
        "dw",
        lambda v: _kernel_transposed(v, v.right("dw")),
        "height and width of the kernel are swapped in dw.",
    ),
    Mistake(
        "transposed",
        "dw",
        lambda v: _channels_swapped(v.right("dw")),
        "input channels and filters are swapped in dw: dw[..., c, f] = sum of x[..., c] * dy[..., f].",
    ),
)

MISTAKES = OF_DX + OF_DW
