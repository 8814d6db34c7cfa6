"""What examples and labels show before the first step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..layers import AvgPool2D, Conv2D, Dense, Flatten, Layer, MaxPool2D
from ..losses import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy

LARGE = 10  # root mean square of the inputs; that of scaled ones is about 1
TWICE_SCALED = 1.01 / 255  # the largest pixel of an image that was divided by 255 twice
ROUNDING = 1e-3  # by which whole numbers that were scaled back may be off
FEW = 10  # labels, of which nothing can be told
SEEN_OFTEN = 10  # examples a class, of which none would be missing by chance
SORTED = 0.2  # of the changes of class from one label to the next that shuffled labels have


def inputs_not_scaled(x: np.ndarray, layers: Sequence[Layer]) -> str:
    """Inputs far from the order of 1, where no layer scales them before the first weights."""
    before_weights = next((k for k, layer in enumerate(layers) if isinstance(layer, (Conv2D, Dense))), None)
    if before_weights is None or not all(
        isinstance(f, (Flatten, MaxPool2D, AvgPool2D)) for f in layers[:before_weights]
    ):
        return ""
    with np.errstate(over="ignore"):
        low, high, size = float(x.min()), float(x.max()), float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))
    seen = f"the examples of the first batch reach from {low:.4g} to {high:.4g} (root mean square {size:.3g})"
    if low >= 0 and 0 < high <= TWICE_SCALED:
        return f"{seen}: were pixels divided by 255 twice? Once is enough."
    if not size > LARGE:
        return ""
    why = "Initial weights and usual learning rates are made for inputs of the order of 1; these make steps too large."
    if low >= 0 and high <= 255 and np.allclose(x, np.rint(x), rtol=0, atol=ROUNDING):
        return f'{seen}, all whole numbers: pixels 0..255. {why} Divide them: x.astype("float32") / 255.'
    return (
        f"{seen}. {why} Take away each feature's mean and divide by its deviation, both of the training data, or begin "
        "the network with BatchNorm()."
    )


def one_class_only(labels: np.ndarray, loss: Loss, name: str) -> str:
    """Labels that are all the same."""
    if not has_classes(loss) or len(labels) < FEW or labels.min() != labels.max():
        return ""
    advice = (
        "There is nothing to tell apart, and a model that always gives this answer is right."
        if name == "data"
        else "An accuracy on them says nothing about the other classes."
    )
    return (
        f"all {len(labels):,} labels of {name} are {int(labels.flat[0])}. {advice} Was the data split while it was "
        "sorted by class? Shuffle it first, examples and labels by one permutation."
    )


def one_class_a_batch(labels: np.ndarray, loss: Loss, batch_size: int) -> str:
    """Data sorted by class, taken in its order."""
    batches = len(labels) // batch_size
    if not has_classes(loss) or batch_size < 2 or batches < 2:
        return ""
    labels = labels.reshape(-1)
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    changes, when_shuffled = np.count_nonzero(np.diff(labels)), len(labels) * (1 - np.sum(shares**2))
    rows = labels[: batches * batch_size].reshape(batches, -1)
    alone = int(np.sum(rows.min(axis=1) == rows.max(axis=1)))
    if changes > SORTED * when_shuffled or alone < batches / 2 or len(shares) == 1:
        return ""
    return (
        f"{alone} of {batches} batches hold one class only, for the labels are sorted and shuffle=False: each step "
        "unlearns the classes before. Leave shuffle=True, or shuffle examples and labels by one permutation."
    )


def labels_from_one(labels: np.ndarray, loss: Loss, classes: int) -> str:
    """Class 0 never occurs, and every other does: labels that were counted from 1."""
    if not isinstance(loss, SoftmaxCrossEntropy) or classes < 3 or len(labels) < SEEN_OFTEN * classes:
        return ""
    counts = np.bincount(labels, minlength=classes)
    if counts[0] or not counts[1:].all():
        return ""
    return (
        f"the {len(labels):,} labels go from 1 to {classes - 1} and are never 0, for {classes} outputs: one output is "
        f"for a class that does not exist. Count classes from 0, labels - 1, and give the last layer {classes - 1} "
        "units."
    )


def has_classes(loss: Loss) -> bool:
    """Whether the labels are classes."""
    return isinstance(loss, (SoftmaxCrossEntropy, BinaryCrossEntropy))
