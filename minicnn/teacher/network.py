"""What network, loss and batch size show before the first step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..layers import BatchNorm, Dropout, Sigmoid, Softmax
from ..losses import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy

if TYPE_CHECKING:
    from ..model import Sequential

ENOUGH = 8  # examples a batch, for batch norm


def probabilities_as_logits(model: Sequential, loss: Loss) -> str:
    """A last layer that makes probabilities, before a loss that makes them itself."""
    layers = zip(model.layer_names, model.layers, strict=True)
    name, last = [("", None), *((name, layer) for name, layer in layers if not isinstance(layer, Dropout))][-1]
    if not isinstance(last, (Softmax, Sigmoid)) or not isinstance(loss, (SoftmaxCrossEntropy, BinaryCrossEntropy)):
        return ""
    kind = type(loss).__name__
    if isinstance(loss, BinaryCrossEntropy):
        limit = f"{math.log(2):.3f} for class 0, of which only a logit below 0 would speak"
    else:
        K = model.output_shape[-1]
        limit = (
            f"{math.log(math.e + K - 1) - 1:.3f} with {K} classes (a probability of {math.e / (math.e + K - 1):.0%})"
        )
    return (
        f"{name} hands numbers from 0 to 1 to {kind}, which takes them for logits and makes probabilities of them once "
        f"more. Were every prediction perfect, the loss would still be {limit}; and gradients are small. Leave out "
        f"{name}: {kind} contains it, and loss.probabilities(model.predict(x)) gives probabilities."
    )


def tiny_batches(model: Sequential, batch_size: int, examples: int) -> str:
    """Batch norm with statistics of too few examples, where there are more."""
    norms = [name for name, layer in zip(model.layer_names, model.layers, strict=True) if isinstance(layer, BatchNorm)]
    if not norms or batch_size >= min(ENOUGH, examples):
        return ""
    return (
        f"{norms[0]} takes mean and variance of each batch, and batches hold {batch_size} example"
        f"{'s' * (batch_size > 1)}: a mean of so few independent numbers is off by {1 / np.sqrt(batch_size):.0%} of "
        "their deviation, and in evaluation, where running averages stand in for it, the model computes something "
        f"else than it was trained with. Take batch_size={2 * ENOUGH} or more, or leave out BatchNorm."
    )
