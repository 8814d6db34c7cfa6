"""Convolutions in one, two or three dimensions, with stride, padding, dilation and groups, in any layout.

With images as in windows.py and the weights as (offsets, channels of a group, groups, filters of a group):

    patches  = pad(x)[:, index]
    y        = patches w + b                    sum over offsets and channels, within each group    (1)
    dpatches = dy w^T,    dx = crop(scatter(dpatches))                                              (2)
    dw       = patches^T dy,    db = sum(dy)    sums over images and windows                        (3)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations, product

import numpy as np

from .operation import Mistake, Values
from .windows import Windows

MOST_CROPS = 40
AXES = ["N", "OH", "OW", "KH", "KW", "C"]  # of patches
COLUMNS = (
    "N OH OW KH KW C",
    "N OH OW C KH KW",
    "C KH KW N OH OW",
    "C KH KW OH OW N",
    "N C KH KW OH OW",
    "KH KW C N OH OW",
)


def _in_groups(a: np.ndarray, groups: int) -> np.ndarray:
    return a.reshape(*a.shape[:-1], groups, -1)


def _patches(v: Values, windows: Windows | None = None, index: np.ndarray | None = None) -> np.ndarray:
    windows = v.windows if windows is None else windows
    return _in_groups(windows.pad(v.x)[:, windows.index if index is None else index], v.groups)


def _dpatches(v: Values, dy: np.ndarray, w: np.ndarray) -> np.ndarray:
    """First half of (2): (B, windows, offsets, groups, channels of a group)."""
    return np.einsum("bpgf,kcgf->bpkgc", _in_groups(dy, v.groups), w)


def _dw(v: Values, patches: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Equation (3)."""
    return np.einsum("bpkgc,bpgf->kcgf", patches, _in_groups(dy, v.groups))


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
    Mistake(
        "overwritten",
        "dpadded",
        lambda v: v.windows.overwrite(v.dpatches, offsets_outside=False),
        "overlapping windows overwrite each other: dx[window] = ... in the loop over windows should be "
        "dx[window] += ..., for a pixel gets gradient from every window that covers it.",
    ),
    Mistake(
        "overwritten",
        "dpadded",
        lambda v: v.windows.overwrite(v.dpatches, offsets_outside=True),
        "overlapping windows overwrite each other: dx[:, i::stride, j::stride] = ... in the loop over kernel offsets "
        "should be += ... (with index arrays: np.add.at(dx, index, ...), for dx[index] += ... adds only once).",
    ),
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


def forgetful_sums(axes: list[int]) -> Iterator[Mistake]:
    """Only a part of the batch or of the positions in dw and db.

    Parameters
    ----------
    axes : list of int
        Of y in the learner's layout: all but the filters'.
    """
    for count in range(1, len(axes) + 1):
        for chosen in combinations(axes, count):
            for place in (-1, 0):
                which = "last" if place else "first"
                yield Mistake(
                    "overwritten",
                    "dy_of_sums",
                    lambda v, chosen=chosen, place=place: v.to_outputs(_only(v.dy_given, chosen, place)),
                    f"only the {which} part of dy along axis {' and '.join(map(str, chosen))} is in it: `=` in the "
                    "loop should be `+=`, for the parts of all examples and positions add up.",
                    rank=count - 1 + (place == 0),
                )


def _only(a: np.ndarray, axes: tuple[int, ...], place: int) -> np.ndarray:
    """Zero but at one place along each of these axes."""
    kept = np.zeros_like(a)
    where = tuple(place if k in axes else slice(None) for k in range(a.ndim))
    kept[where] = a[where]
    return kept


def crops(windows: Windows) -> Iterator[Mistake]:
    """Padding cropped at another place than where it was put.

    Parameters
    ----------
    windows : Windows
    """
    spare = [range(p - n + 1) for p, n in zip(windows.padded, windows.image, strict=True)]
    for start in product(*spare) if np.prod([len(s) for s in spare]) <= MOST_CROPS else ():
        if start != windows.before:
            yield Mistake(
                "shifted",
                "dx",
                lambda v, start=start: v.windows.crop(v.dpadded, start),
                f"dx is cropped from its padding at {start}; the image begins at {windows.before}, behind the padding: "
                "dx = dpadded[:, p : p + H, p : p + W].",
            )


def sums(y_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> Iterator[Mistake]:
    """The bias's gradient summed over other axes, where that gives its shape as well.

    Parameters
    ----------
    y_shape, b_shape : tuple of int
        In the learner's layout.
    """
    length = int(np.prod(b_shape))
    for kept in range(len(y_shape)):
        if y_shape[kept] == length:
            axes = tuple(k for k in range(len(y_shape)) if k != kept)
            yield Mistake(
                "statistics-over-wrong-axes",
                "db",
                lambda v, axes=axes: v.dy_given.sum(axis=axes),
                f"db is the sum of dy over axes {axes}; sum over all axes but that of the filters.",
            )
    yield Mistake(
        "statistics-over-wrong-axes",
        "db",
        lambda v: np.full(length, v.dy_given.sum()),
        "db is one sum over all axes: sum over all axes but that of the filters.",
    )


def regroupings(groups: int) -> Iterator[Mistake]:
    """Channels of groups taken in another order.

    Parameters
    ----------
    groups : int
    """
    if groups == 1:
        return
    yield from (
        Mistake(
            "order-scrambled",
            "dy",
            lambda v, how=how: how(_in_groups(v.right("dy"), groups)).reshape(v.right("dy").shape),
            f"the groups' filters are {words} in dy: group g has filters g * F / groups to (g + 1) * F / groups.",
        )
        for how, words in ((_reversed, "in the reverse order"), (_interleaved_back, "interleaved"))
    )
    for step, what in (("dpatches_by_group", "dx"), ("patches", "dw"), ("dw", "dw")):
        for how, words in ((_reversed, "in the reverse order"), (_interleaved, "interleaved")):
            yield Mistake(
                "order-scrambled",
                step,
                lambda v, step=step, how=how: how(v.right(step)),
                f"the groups are {words} in {what}: group g has channels g * C / groups to (g + 1) * C / groups.",
            )


def _reversed(a: np.ndarray) -> np.ndarray:
    """(..., groups, numbers of a group)."""
    return a[..., ::-1, :]


def _interleaved(a: np.ndarray) -> np.ndarray:
    return a.swapaxes(-1, -2).reshape(a.shape)


def _interleaved_back(a: np.ndarray) -> np.ndarray:
    return a.reshape(*a.shape[:-2], a.shape[-1], a.shape[-2]).swapaxes(-1, -2)


def recolumns(windows: Windows) -> Iterator[Mistake]:
    """The matrix of columns read in another order than it was written in.

    Parameters
    ----------
    windows : Windows
    """
    if len(windows.kernel) != 2:
        return
    orders = {name: [AXES.index(k) for k in name.split()] for name in COLUMNS}
    for written, read in permutations(COLUMNS, 2):
        for step, what in (("dpatches", "dx"), ("patches", "dw")):
            yield Mistake(
                "order-scrambled",
                step,
                lambda v, a=orders[written], b=orders[read], step=step: _read_as(v, v.right(step), a, b),
                f"the columns of {what} are laid out as ({written}) and read as ({read}): transpose in between.",
                rank=1,
            )


def _read_as(v: Values, patches: np.ndarray, written: list[int], read: list[int]) -> np.ndarray:
    """Reshape alone, from one order of the axes to another."""
    w = v.windows
    shape = (len(patches), *w.output, *w.kernel, patches.size // len(patches) // int(np.prod(w.output + w.kernel)))
    flat = patches.reshape(shape).transpose(written)
    return flat.reshape([shape[k] for k in read]).transpose(np.argsort(read)).reshape(patches.shape)


def scrambles(shape: tuple[int, ...], step: str, source: str, words: str, rank: int = 0) -> Iterator[Mistake]:
    """A reshape where a transpose is meant: the right numbers in another order.

    Parameters
    ----------
    shape : tuple of int
        Of the array that is reshaped.
    step, source : str
        The step replaced, and the value that it should hand on.
    words : str
        What is reshaped.
    """
    for order in list(permutations(range(len(shape))))[1:]:
        back = tuple(int(k) for k in np.argsort(order))
        yield Mistake(
            "order-scrambled",
            step,
            lambda v, order=order, back=back: _scrambled(getattr(v, source), shape, order, back),
            f"{words} is brought into the order of axes {order} by reshape alone, which scrambles its numbers: "
            f".transpose{order} first, then reshape.",
            rank,
        )


def _scrambled(a: np.ndarray, shape: tuple[int, ...], order: tuple[int, ...], back: tuple[int, ...]) -> np.ndarray:
    permuted = tuple(shape[k] for k in order)
    return a.reshape(permuted).transpose(back).reshape(a.shape)
