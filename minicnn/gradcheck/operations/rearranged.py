"""Mistakes of order and place that depend on shapes: made for each convolution or pooling anew.

A crop at the wrong side, a sum over the wrong axes or over one example only, groups in another order, and the most
hidden of all: a reshape where a transpose is meant, which keeps the shape right and scrambles the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations, product

import numpy as np

from .convolution import in_groups
from .operation import Mistake, Values
from .windows import Windows

MOST_CROPS = 40
AXES = ["N", "OH", "OW", "KH", "KW", "C"]  # of patches
COLUMNS = (
    *("N OH OW KH KW C", "N OH OW C KH KW", "C KH KW N OH OW"),
    *("C KH KW OH OW N", "N C KH KW OH OW", "KH KW C N OH OW"),
)


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
            lambda v, how=how: how(in_groups(v.right("dy"), groups)).reshape(v.right("dy").shape),
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
