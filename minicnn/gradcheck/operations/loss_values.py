"""What losses have in common: the numbers that they are multiplied by, and whether a guess gives the value of L."""

from __future__ import annotations

import numpy as np

from .factors import IMAGES
from .problem import SAME_GRADIENT, Problem


def usual_scales(z: np.ndarray, axis: int | None = None) -> dict[float, str]:
    """Numbers that a sum is usually multiplied by."""
    rows = z.size // (z.shape[axis] if axis is not None else 1)
    scales = {1 / rows: "mean", 1.0: "sum", 1 / len(z): "mean over the batch", 1 / z.size: "mean over all"}
    return scales | {0.5 * s: f"half the {what}" for s, what in scales.items()}


def is_value(problem: Problem, value: float) -> bool:
    """Whether the loss has this value, for targets read from the numeric derivative."""
    return bool(abs(value - problem.y) <= SAME_GRADIENT * abs(problem.y))


def counts_of(z: np.ndarray, axis: int | None = None) -> dict[str, float]:
    """What can be counted; with an axis of classes, the labels too."""
    counts = {IMAGES: len(z)}
    if axis is not None:
        counts |= {"labels": z.size // z.shape[axis], "classes": z.shape[axis]}
    return counts | {"numbers": z.size, **{f"entries along axis {k}": length for k, length in enumerate(z.shape)}}
