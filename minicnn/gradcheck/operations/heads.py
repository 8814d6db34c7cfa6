"""The losses behind a network, with what they need to know of the labels.

Each head gives the steps from the scores z, (N, K) or (N, 1), to dz, as losses.py has them, and the value of the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import cross_entropy, losses
from .operation import Mistake, Step, Values
from .softmax import softmax


@dataclass(frozen=True)
class Head:
    """One loss with its labels.

    Attributes
    ----------
    name : str
    given : dict
        What its steps need beside z.
    steps : dict of str to Step
        From z and dy to dz.
    mistakes : tuple of Mistake
    value : function (Values) -> float
        The loss.
    """

    name: str
    given: dict[str, Any]
    steps: dict[str, Step]
    mistakes: tuple[Mistake, ...]
    value: Callable[[Values], float]


def heads(labels: np.ndarray, shape: tuple[int, int]) -> Iterator[Head]:
    """Every loss that such labels are good for.

    Parameters
    ----------
    labels : array
        Classes (N,) of integers, one-hot rows or targets (N, K).
    shape : tuple of int
        Of the scores.
    """
    rows, classes = shape
    if labels.dtype.kind in "iu" and labels.shape == (rows,) and labels.min() >= 0 and labels.max() < classes > 1:
        onehot = np.eye(classes)[labels]
        yield from _classifiers(onehot)
    if labels.shape == shape and np.all((labels == 0) | (labels == 1)) and np.all(labels.sum(axis=1) == 1):
        yield from _classifiers(labels.astype(np.float64))
    if labels.size == rows * classes:
        yield from _regressions(labels.reshape(shape).astype(np.float64))


def _classifiers(onehot: np.ndarray) -> Iterator[Head]:
    for scale, what in ((1 / len(onehot), "mean"), (1.0, "sum")):
        yield Head(
            f"softmax cross-entropy, {what}",
            {"axis": 1, "targets": onehot * scale, "hard": onehot, "is_soft": False, "is_weighted": False},
            cross_entropy.CROSS_ENTROPY,
            cross_entropy.OF_CROSS_ENTROPY,
            lambda v: -float(np.sum(v.targets * np.log(softmax(v.z, 1)))),
        )
        yield Head(
            f"hinge loss, {what}",
            {"axis": 1, "onehot": onehot, "scale": scale},
            losses.HINGE | {"margins": lambda v: v.z - (v.z * v.onehot).sum(axis=1, keepdims=True) + 1},
            losses.OF_HINGE,
            lambda v: v.scale * float(np.sum(np.maximum(v.margins, 0) * (1 - v.onehot))),
        )


def _regressions(targets: np.ndarray) -> Iterator[Head]:
    scales = {1 / targets.size: "mean", 1 / len(targets): "mean over the batch", 1.0: "sum"}
    for scale, what in (scales | {s / 2: f"half the {what}" for s, what in scales.items()}).items():
        yield Head(
            f"squared error, {what}",
            {"t": targets, "scale": scale, "is_absolute": False},
            losses.DIFFERENCE,
            losses.OF_DIFFERENCE,
            lambda v: v.scale * float(np.sum(v.error**2)),
        )
    if targets.min() >= 0 and targets.max() <= 1:
        for scale, what in scales.items():
            yield Head(
                f"binary cross-entropy, {what}",
                {"t": targets, "scale": scale},
                cross_entropy.OF_LOGITS,
                cross_entropy.OF_BINARY,
                lambda v: v.scale * float(np.sum(np.logaddexp(0, v.z) - v.t * v.z)),
            )
