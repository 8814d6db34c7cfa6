"""Pooling: the maximum, the average or the sum over windows, in any layout; global pooling is one window.

With images as in windows.py, patches = pad(x)[:, index] of shape (B, windows, offsets, 1):

    maximum    winner = 1 at the first largest entry of each patch      dpatches = winner dy        (1)
    average    share  = 1 / (entries in the window)                     dpatches = share dy         (2)
    both       dx = crop(scatter(dpatches))                                                         (3)

The entries in a window are those inside the image, or all of them, padding too, as forward has it.
"""

from __future__ import annotations

import numpy as np

from .operation import Mistake, Values
from .windows import OVERWRITTEN


def _first(chosen: np.ndarray) -> np.ndarray:
    """The first true entry along the offsets, as a mask."""
    mask = np.zeros(chosen.shape)
    np.put_along_axis(mask, chosen.argmax(axis=2)[:, :, None], 1.0, axis=2)
    return mask


def _ones(v: Values) -> tuple[int, ...]:
    return (1,) * len(v.windows.kernel)


COMMON = {
    "x": lambda v: v.to_images(v.x_given),
    "patches": lambda v: v.windows.pad(v.x, v.padding_value)[:, v.windows.index],
    "dy_given": lambda v: v.dy_of_y,
    "dy": lambda v: v.to_outputs(v.dy_given)[:, :, None],
    "index": lambda v: v.windows.index,
    "dpadded": lambda v: v.windows.scatter(v.dpatches, v.index),
    "dx": lambda v: v.windows.crop(v.dpadded),  # (3)
}
MAX_STEPS = COMMON | {
    "winner": lambda v: _first(v.patches == v.patches.max(axis=2, keepdims=True)),
    "dpatches": lambda v: v.winner * v.dy,  # (1)
}
AVERAGE_STEPS = COMMON | {
    "inside": lambda v: v.windows.pad(np.ones_like(v.x))[:, v.index],
    "share": lambda v: (v.inside if v.only_inside else np.ones_like(v.inside)) / v.count,
    "count": lambda v: _count(v) * np.ones_like(v.dy),
    "dpatches": lambda v: v.share * v.dy,  # (2)
}


def _count(v: Values) -> np.ndarray | float:
    if v.is_sum:
        return 1.0
    return v.inside.sum(axis=2, keepdims=True) if v.only_inside else float(v.inside.shape[2])


def _overwrite_winners(v: Values, offsets_outside: bool) -> np.ndarray:
    """Each window writes at its maximum only, and the last one stays; see `Windows.overwrite`."""
    dpadded = np.zeros_like(v.right("dpadded"))
    places = v.windows.index[np.arange(v.winner.shape[1]), v.winner[..., 0].argmax(axis=2)]
    order = slice(None, None, -1 if offsets_outside else 1)  # the last offset of a pixel is its first window's
    for image, (where, dy) in enumerate(zip(places, v.dy[:, :, 0, 0], strict=True)):
        dpadded[image, where[order], 0] = dy[order]
    return dpadded


def _window_transposed(v: Values) -> np.ndarray | None:
    """Row and column within the window mixed up."""
    kernel = v.windows.kernel
    if len(kernel) != 2 or kernel[0] != kernel[1]:
        return None
    w = v.right("winner")
    return w.reshape(*w.shape[:2], *kernel, 1).swapaxes(2, 3).reshape(w.shape)


# ---- mistakes ----

OF_WINDOWS = (
    *OVERWRITTEN,
    Mistake(
        "stride-ignored",
        "index",
        lambda v: v.windows.index_of(_ones(v), v.windows.dilation),
        "the stride is ignored in dx: window (i, j) begins at (i * stride, j * stride), not at (i, j).",
    ),
    Mistake(
        "stride-ignored",
        "dpadded",
        lambda v: v.windows.scatter(v.dpatches, v.windows.index_of(v.windows.kernel, v.windows.dilation)),
        "windows are placed side by side in dx, as if the stride were the window's length: window (i, j) begins at "
        "(i * stride, j * stride).",
    ),
)

OF_MAXIMA = (
    *OF_WINDOWS,
    Mistake(
        "tie-double-counted",
        "winner",
        lambda v: 1.0 * (v.patches == v.patches.max(axis=2, keepdims=True)),
        "tied maxima each take the whole gradient: mask = (patch == patch.max()) marks all of them; take one "
        "(argmax), or divide by their number.",
    ),
    Mistake(
        "tie-double-counted",
        "winner",
        lambda v: 1.0 * np.isclose(v.patches, v.patches.max(axis=2, keepdims=True)),
        "nearly equal maxima each take the whole gradient: np.isclose marks all of them; take one (argmax).",
    ),
    Mistake(
        "spread-over-window",
        "winner",
        lambda v: np.ones_like(v.patches),
        "the whole window takes the gradient: only its maximum passed forward, so that only it takes dy.",
    ),
    Mistake(
        "spread-over-window",
        "winner",
        lambda v: np.full(v.patches.shape, 1 / v.patches.shape[2]),
        "the gradient is spread evenly over the window, as average pooling does: all of dy goes to the maximum.",
    ),
    *(
        Mistake(
            "overwritten",
            "dpadded",
            lambda v, offsets_outside=offsets_outside: _overwrite_winners(v, offsets_outside),
            "a pixel that is the maximum of several windows keeps only one's gradient: "
            "dx[argmax] = dy should be dx[argmax] += dy (with index arrays: np.add.at(dx, index, dy)).",
        )
        for offsets_outside in (False, True)
    ),
    Mistake(
        "transposed",
        "winner",
        _window_transposed,
        "row and column of the maximum within its window are mixed up: row, column = divmod(argmax, window width).",
    ),
    Mistake(
        "order-scrambled",
        "winner",
        lambda v: v.right("winner")[:, :, ::-1],
        "the maximum's place within its window is counted from the wrong end.",
        rank=2,
    ),
    Mistake(
        "order-scrambled",
        "winner",
        lambda v: _first(v.patches == np.where(np.isinf(v.patches), np.inf, v.patches).min(axis=2, keepdims=True)),
        "the smallest entry of each window takes the gradient: take argmax, not argmin.",
        rank=1,
    ),
    Mistake(
        "order-scrambled",
        "winner",
        lambda v: _first(np.ones(v.patches.shape, bool)),
        "the first entry of each window takes the gradient, wherever its maximum is: keep argmax from forward.",
        rank=1,
    ),
    Mistake(
        "order-scrambled",
        "winner",
        lambda v: _first(np.ones(v.patches.shape, bool)[:, :, ::-1])[:, :, ::-1],
        "the last entry of each window takes the gradient, wherever its maximum is: keep argmax from forward.",
        rank=1,
    ),
)

OF_AVERAGES = (
    *OF_WINDOWS,
    Mistake(
        "stride-ignored",
        "dpadded",
        lambda v: v.windows.scatter(v.dpatches, v.windows.index_of(_ones(v), v.windows.dilation)),
        "the stride is ignored in dx: window (i, j) begins at (i * stride, j * stride), not at (i, j).",
    ),
    Mistake(
        "factor-constant",
        "count",
        lambda v: np.ones_like(v.dy),
        "the division by the window's size is forgotten: each entry takes dy / (number of entries in the window).",
    ),
    Mistake(
        "factor-constant",
        "count",
        lambda v: np.full_like(v.dy, v.windows.kernel[0]),
        "dy is divided by the window's length instead of its area: by k * k, not by k.",
    ),
    Mistake(
        "statistics-over-wrong-axes",
        "share",
        lambda v: v.inside / v.patches.shape[2],
        "dy is divided by the window's full size at the border too, but forward averages there over the entries inside "
        "the image only.",
    ),
    Mistake(
        "statistics-over-wrong-axes",
        "share",
        lambda v: v.inside / v.inside.sum(axis=2, keepdims=True),
        "dy is divided by the number of entries inside the image, but forward divides by the window's full size.",
    ),
    Mistake(
        "term-missing",
        "share",
        lambda v: _first(v.patches == v.patches.max(axis=2, keepdims=True)),
        "only the largest entry of each window takes the gradient, as in max pooling: the average depends on all.",
    ),
    Mistake(
        "term-missing",
        "share",
        lambda v: _first(np.ones(v.patches.shape, bool)) * v.right("share"),
        "only the first entry of each window takes the gradient: the average depends on all.",
        rank=1,
    ),
)
