"""Every layer and every loss in the configurations worth checking.

The common tests and `minicnn gradcheck` go through these lists: a new layer joins both by one entry here. The shapes
are small, so that a check is quick, and awkward, so that it finds something: H != W, kernels that are not square,
windows that overlap or leave the last row over, three examples or more.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from . import gradcheck
from .layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    Layer,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Softmax,
    SpatialDropout2D,
    Tanh,
)
from .losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy
from .model import Sequential


@dataclass(frozen=True)
class LayerCase:
    """One layer in one configuration.

    Attributes
    ----------
    layer : Layer
        Not built; `built` makes a copy that is.
    input_shape : tuple of int
        Of one example.
    training : bool
        Which of its two modes to check.
    batch : int
        Number of examples.
    """

    layer: Layer
    input_shape: tuple[int, ...]
    training: bool = True
    batch: int = 3

    def __str__(self) -> str:
        """The layer's call, its input and, where it matters, its mode."""
        mode = "" if self.training else ", evaluation"
        return f"{self.layer!r} on {'x'.join(map(str, (self.batch, *self.input_shape)))}{mode}"

    def built(self, dtype: DTypeLike = np.float64, seed: int = 0) -> Layer:
        """A copy with parameters and state at random values, for none may be at a special one such as 0 or 1."""
        layer = copy.deepcopy(self.layer)
        layer.build(self.input_shape, np.random.default_rng(seed), dtype)
        rng = np.random.default_rng(seed + 1)
        for arrays in (layer.params, layer.state):
            for name, array in arrays.items():
                arrays[name] = rng.uniform(0.5, 1.5, array.shape).astype(dtype)
        for name in layer.params.keys() & {"w", "b", "beta"}:
            layer.params[name] -= 1  # these may be negative; gamma and variances may not
        return layer

    def input(self, dtype: DTypeLike = np.float64, seed: int = 0) -> np.ndarray:
        """A batch from the normal distribution."""
        return np.random.default_rng(seed + 2).standard_normal((self.batch, *self.input_shape)).astype(dtype)


@dataclass(frozen=True)
class LossCase:
    """One loss in one configuration, with labels that fit."""

    loss: Loss
    logits: tuple[int, ...]
    labels: np.ndarray

    def __str__(self) -> str:
        """The loss's call and the shape of its logits."""
        return f"{self.loss!r} on {'x'.join(map(str, self.logits))}"

    def input(self, dtype: DTypeLike = np.float64, seed: int = 0) -> np.ndarray:
        """Logits from the normal distribution."""
        return np.random.default_rng(seed + 2).standard_normal(self.logits).astype(dtype)


LAYER_CASES = [
    LayerCase(Conv2D(4, 3), (6, 5, 3)),
    LayerCase(Conv2D(4, (3, 2), stride=2, padding="same"), (7, 6, 3)),
    LayerCase(Conv2D(3, (2, 3), stride=(1, 2), padding=((0, 1), (2, 1))), (5, 6, 2)),
    LayerCase(Conv2D(2, 3, padding=1, dilation=(1, 2), use_bias=False), (5, 7, 2)),
    LayerCase(Conv2D(2, (2, 3), padding=(2, 0), dilation=(3, 1)), (5, 6, 2)),
    LayerCase(Conv2D(6, (2, 3), stride=(2, 1), padding=(1, 2), groups=2), (6, 5, 4)),
    LayerCase(Conv2D(8, 3, stride=2, padding="same", groups=4, dilation=2), (8, 9, 4)),
    LayerCase(Conv2D(3, 1), (4, 5, 2)),
    LayerCase(Conv2D(2, 4, stride=5), (10, 9, 1)),
    LayerCase(Conv2D(9, 3, padding="same"), (5, 7, 8)),  # from eight channels on as Winograd has it
    LayerCase(Conv2D(8, 3, padding=((2, 0), (1, 2)), use_bias=False), (4, 5, 10)),
    LayerCase(Conv2D(8, 3), (3, 4, 8)),
    LayerCase(MaxPool2D(2), (6, 5, 3)),
    LayerCase(MaxPool2D((3, 2), stride=(2, 1)), (7, 5, 2)),
    LayerCase(MaxPool2D(3, stride=2, padding=1), (6, 7, 3)),
    LayerCase(MaxPool2D(2, stride=2, padding="same"), (5, 7, 2)),
    LayerCase(MaxPool2D((3, 4), stride=(2, 3)), (7, 8, 2)),  # so many cells that the kernel takes them in two parts
    LayerCase(AvgPool2D(2), (6, 5, 3)),
    LayerCase(AvgPool2D((3, 2), stride=(2, 1)), (7, 5, 2)),
    LayerCase(AvgPool2D(3, stride=2, padding=((1, 0), (2, 1))), (6, 7, 3)),
    LayerCase(GlobalAvgPool2D(), (4, 5, 3)),
    LayerCase(BatchNorm(), (4,), batch=5),
    LayerCase(BatchNorm(momentum=0.7, eps=0.01), (3, 4, 2)),
    LayerCase(BatchNorm(), (4,), training=False, batch=5),
    LayerCase(BatchNorm(), (3, 4, 2), training=False),
    LayerCase(Dropout(0.4), (7,), batch=4),
    LayerCase(Dropout(0.2), (4, 3, 2)),
    LayerCase(Dropout(0.4), (4, 3, 2), training=False),
    LayerCase(SpatialDropout2D(0.5), (3, 4, 6)),
    LayerCase(SpatialDropout2D(0.5), (3, 4, 6), training=False),
    LayerCase(Dense(4), (5,)),
    LayerCase(Dense(1, use_bias=False), (6,), batch=4),
    LayerCase(Flatten(), (3, 4, 2)),
    LayerCase(ReLU(), (4, 3, 2)),
    LayerCase(LeakyReLU(0.2), (4, 3, 2)),
    LayerCase(Sigmoid(), (5,)),
    LayerCase(Tanh(), (4, 3, 2)),
    LayerCase(Softmax(), (5,)),
    LayerCase(Softmax(), (2, 3, 4)),
]

LOSS_CASES = [
    LossCase(SoftmaxCrossEntropy(), (4, 5), np.array([0, 4, 2, 2])),
    LossCase(SoftmaxCrossEntropy(label_smoothing=0.1), (4, 5), np.array([0, 4, 2, 2])),
    LossCase(SoftmaxCrossEntropy(class_weights=[1.0, 0.5, 2.0]), (5, 3), np.array([0, 1, 2, 2, 0])),
    LossCase(SoftmaxCrossEntropy(0.2, class_weights=[1.0, 0.5, 2.0]), (5, 3), np.array([0, 1, 2, 2, 0])),
    LossCase(BinaryCrossEntropy(), (5, 1), np.array([0, 1, 1, 0, 1])),
    LossCase(BinaryCrossEntropy(), (4,), np.array([0, 1, 1, 0])),
    LossCase(MeanSquaredError(), (4, 3), np.random.default_rng(3).standard_normal((4, 3))),
]


def small_network(seed: int = 0, dtype: DTypeLike = np.float64) -> Sequential:
    """Make a whole network with every kind of layer that a CNN is made of, on 8x7 images of two channels."""
    return Sequential(
        [
            Conv2D(3, 3, padding="same"),
            BatchNorm(),
            ReLU(),
            MaxPool2D(2),
            SpatialDropout2D(0.2),
            Conv2D(4, (2, 3), stride=(1, 2), padding=1),
            LeakyReLU(0.1),
            AvgPool2D(2, stride=1),
            Dropout(0.25),
            Flatten(),
            Dense(6),
            BatchNorm(),
            Tanh(),
            Dense(3),
        ],
        input_shape=(8, 7, 2),
        seed=seed,
        dtype=dtype,
    )


def gradient_reports() -> Iterator[tuple[LayerCase | LossCase | Sequential, gradcheck.Report]]:
    """Check the gradients of every case, and of the small network, one after another in float64.

    Yields
    ------
    case : LayerCase, LossCase or Sequential
    report : minicnn.gradcheck.Report
        Its title is the case in words.
    """
    for case in LAYER_CASES:
        layer = case.built()
        yield case, gradcheck.check_layer(layer, case.input(), training=case.training, title=str(case))
    for case in LOSS_CASES:
        yield case, gradcheck.check_loss(case.loss, case.input(), case.labels, title=str(case))
    model = small_network()
    x = np.random.default_rng(2).standard_normal((3, *model.input_shape))
    title = f"small network of {len(model.layers)} layers on {'x'.join(map(str, x.shape))}"
    yield model, gradcheck.check_model(model, x, np.array([0, 2, 1]), SoftmaxCrossEntropy(), title=title)
