"""Dropout: y = x m / keep with a mask m of zeros and ones, one for each unit or for each channel.

    dx = dy m / keep                                                                                (1)

The mask and the scale 1 / keep are read from y / x.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .factors import IMAGES
from .operation import Gradient, Mistake, Operation
from .problem import SAME, Problem

STEPS = {
    "mask": lambda v: v.mask_of_y,
    "scale": lambda v: v.scale_of_y,
    "dx": lambda v: v.dy * v.mask * v.scale,  # (1)
}
MISTAKES = (
    Mistake(
        "mask-missing",
        "dx",
        lambda v: v.dy,
        "the mask is missing, dx = dy: silenced units get no gradient, the others are scaled; dx = dy * mask / keep.",
    ),
    Mistake(
        "mask-missing",
        "mask",
        lambda v: np.ones_like(v.dy),
        "the mask is missing, dx = dy / keep: silenced units get no gradient; dx = dy * mask / keep.",
    ),
    Mistake(
        "mask-unscaled",
        "scale",
        lambda v: 1.0,
        "the scale is missing, dx = dy * mask: forward divided by keep = {keep:.4g}; dx = dy * mask / keep.",
    ),
    Mistake(
        "mask-unscaled",
        "scale",
        lambda v: v.scale_of_y**2,
        "dx is divided by keep = {keep:.4g} twice (is the mask scaled already?): dx = dy * mask / keep.",
    ),
    Mistake(
        "mask-unscaled",
        "scale",
        lambda v: 1 / v.scale_of_y,
        "dx is multiplied by keep = {keep:.4g} where forward divided: dx = dy * mask / keep.",
    ),
    Mistake(
        "mask-unscaled",
        "scale",
        lambda v: 1 / (1 - 1 / v.scale_of_y),
        "dx is divided by the rate {rate:.4g}, it should be divided by keep = 1 - rate = {keep:.4g}.",
    ),
    Mistake(
        "mask-unscaled",
        "scale",
        lambda v: 1 - 1 / v.scale_of_y,
        "dx is multiplied by the rate {rate:.4g}, it should be divided by keep = 1 - rate = {keep:.4g}.",
        rank=1,
    ),
    Mistake(
        "mask-missing",
        "mask",
        lambda v: 1 - v.mask_of_y,
        "the mask is inverted: the gradient flows through the silenced units.",
    ),
    Mistake(
        "mask-missing",
        "mask",
        lambda v: v.mask_of_y[::-1],
        "the mask belongs to other examples: it runs through the batch in the reverse order.",
        rank=3,
    ),
)


def recognise(problem: Problem) -> Iterator[Operation]:
    """A mask of zeros and one other number between x and y, if there is one."""
    if not problem.hints("dropout") or len(problem.arrays) != 1:
        return
    ((x_at, x),) = problem.arrays.items()
    if x.shape != problem.y.shape or not x.all():
        return
    ratio = problem.y / x
    on = ratio != 0
    if on.all() or not on.any() or np.ptp(ratio[on]) > SAME * abs(ratio[on][0]) or ratio[on][0] < 1:
        return
    if np.array_equal(on, x > 0) or np.array_equal(on, x < 0):
        return  # ReLU, or its mirror image
    scale = float(ratio[on][0])
    words = {"keep": 1 / scale, "rate": 1 - 1 / scale}
    yield Operation(
        name=f"dropout with keep = {1 / scale:.4g}",
        given={"dy": problem.dy, "mask_of_y": 1.0 * on, "scale_of_y": scale},
        steps=STEPS,
        mistakes=[Mistake(m.code, m.step, m.wrong, m.message.format(**words), m.rank) for m in MISTAKES],
        gradients={x_at: Gradient("dx")},
        counts={IMAGES: len(x)},
    )
