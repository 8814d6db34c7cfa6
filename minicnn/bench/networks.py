"""The networks that are timed, written down so that every library can build its own.

    digit     28x28x1:  2 x (Conv - BatchNorm - ReLU - MaxPool 2 - Dropout), 16 and 32 filters; Dense 128; 10 classes
    lesson    32x32x3:  3 x (Conv - ReLU - BatchNorm - MaxPool 2 - Dropout), 64, 128 and 256 filters; Dense 128; 1 logit

A network is a row of layers, each with the arguments that minicnn's layer of that name takes. This file loads no
library: a process that times PyTorch shall not hold minicnn's kernels in its memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

KERNEL, POOL = 3, 2  # pixels


@dataclass(frozen=True)
class Part:
    """One layer.

    Attributes
    ----------
    kind : str
        Name of minicnn's layer class.
    options : dict of str to number or str
        What its constructor takes.
    """

    kind: str
    options: dict


@dataclass(frozen=True)
class Network:
    """A network, and the data it is timed on.

    Attributes
    ----------
    name : str
    parts : tuple of Part
    side, channels : int
        Of the square images, in pixels.
    outputs : int
        Number of classes, trained with softmax cross-entropy; 1 for a logit, trained with binary cross-entropy.
    """

    name: str
    parts: tuple[Part, ...]
    side: int
    channels: int
    outputs: int

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return self.side, self.side, self.channels

    def with_shapes(self) -> Iterator[tuple[Part, tuple[int, ...]]]:
        """Every part with the shape of one of its inputs, (H, W, C) or (features,)."""
        shape: tuple[int, ...] = self.input_shape
        for part in self.parts:
            yield part, shape
            shape = _output_shape(part, shape)

    def data(self, images: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Random images (N, H, W, C), float32 from 0 to 1, and labels (N,)."""
        rng = np.random.default_rng(seed)
        labels = rng.integers(max(self.outputs, 2), size=images)
        return rng.random((images, *self.input_shape), dtype=np.float32), labels


def digit(side: int = 28) -> Network:
    """The small network, for one-channel images of any side."""
    parts = []
    for filters in (16, 32):
        parts += [_convolution(filters), Part("BatchNorm", {}), Part("ReLU", {}), _pooling(), _dropout(0.25)]
    parts += [Part("Flatten", {}), _dense(128), Part("ReLU", {}), _dropout(0.5), _dense(10)]
    return Network("digit", tuple(parts), side, channels=1, outputs=10)


def lesson(side: int = 32) -> Network:
    """The lesson's network (examples/lesson_network.py), 897,665 parameters for images of 32x32."""
    batchnorm = Part("BatchNorm", {"momentum": 0.99, "eps": 1e-3})
    parts = []
    for filters, rate in ((64, 0.2), (128, 0.3), (256, 0.5)):
        parts += [_convolution(filters), Part("ReLU", {}), batchnorm, _pooling(), _dropout(rate)]
    parts += [Part("Flatten", {}), _dense(128), Part("ReLU", {}), batchnorm, _dropout(0.5), _dense(1)]
    return Network("lesson", tuple(parts), side, channels=3, outputs=1)


NETWORKS = {"digit": digit, "lesson": lesson}


def _convolution(filters: int) -> Part:
    return Part("Conv2D", {"filters": filters, "kernel_size": KERNEL, "padding": "same"})


def _pooling() -> Part:
    return Part("MaxPool2D", {"pool_size": POOL})


def _dropout(rate: float) -> Part:
    return Part("Dropout", {"rate": rate})


def _dense(units: int) -> Part:
    return Part("Dense", {"units": units})


def _output_shape(part: Part, shape: tuple[int, ...]) -> tuple[int, ...]:
    match part.kind:
        case "Conv2D":  # same padding, stride 1
            return (*shape[:2], part.options["filters"])
        case "MaxPool2D":
            size = part.options["pool_size"]
            return (shape[0] // size, shape[1] // size, shape[2])
        case "Flatten":
            return (int(np.prod(shape)),)
        case "Dense":
            return (part.options["units"],)
        case _:
            return shape
