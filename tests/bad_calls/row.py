"""One bad call: a row of the tables, and the training that it must leave as it was."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minicnn import (
    SGD,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    datasets,
    fit,
)
from minicnn.cli import main


@dataclass(frozen=True)
class Bad:
    """A call, the error that it must raise, and what the message must say: `argument`, what `came`, `advice`."""

    name: str
    call: Callable[[Training], object]
    error: type[Exception]
    argument: str
    came: str
    advice: str


class RefusedError(Exception):
    """A command ended with the status of bad input; the message is what it printed."""


def command(*arguments: str) -> None:
    """Run the command `minicnn`."""
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
        try:
            status = main(arguments)
        except SystemExit as end:  # from argparse
            status = end.code
    if status == 2:
        raise RefusedError(printed.getvalue())


@dataclass
class Training:
    """A model in the midst of its training, with all that calls need."""

    folder: Path
    model: Sequential = field(init=False)
    optimizer: SGD = field(init=False)
    loss: SoftmaxCrossEntropy = field(init=False)

    def __post_init__(self):
        rng = np.random.default_rng(0)
        self.x = rng.random((8, 6, 6, 1), dtype=np.float32)
        self.labels = np.arange(8) % 3
        layers = [Conv2D(2, 3), BatchNorm(), ReLU(), MaxPool2D(2), Flatten(), Dropout(0.25), Dense(3)]
        self.model = Sequential(layers, input_shape=(6, 6, 1))
        self.optimizer, self.loss = SGD(0.01, momentum=0.9), SoftmaxCrossEntropy()
        split = datasets.Split(self.x, self.labels.astype(np.int64))
        self.data = datasets.Dataset("small", split, split, ("a", "b", "c"))
        self.rng = np.random.default_rng(0)
        self.dy = np.ones((8, 3), np.float32)
        self.step()

    def step(self) -> None:
        """One training step, as the loop of `fit` takes it."""
        before = {name: array.copy() for name, array in self.model.params.items()}
        loss = self.loss.forward(self.model.forward(self.x, training=True), self.labels)
        self.model.backward(self.loss.backward())
        self.optimizer.step(self.model.params, self.model.grads)
        assert np.isfinite(loss)
        assert any((array != before[name]).any() for name, array in self.model.params.items())

    def everything(self) -> dict[str, object]:
        """All that training depends on, as bytes."""
        arrays = {f"params/{name}": array for name, array in self.model.params.items()}
        arrays |= {f"grads/{name}": array for name, array in self.model.grads.items()}
        arrays |= {f"state/{name}": array for name, array in self.model.state.items()}
        for name, slots in self.optimizer.state.items():
            arrays |= {f"optimizer/{name}/{slot}": array for slot, array in slots.items()}
        arrays |= {"x": self.x, "labels": self.labels, "dy": self.dy}
        plain = {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in arrays.items()}
        plain["rng"] = repr(self.model.rng.bit_generator.state)
        plain["optimizer"] = (self.optimizer.config, self.optimizer.iterations)
        plain["loss"] = repr(self.loss)
        plain["files"] = sorted(str(path) for path in self.folder.rglob("*"))
        return plain

    def fit(self, **changed) -> None:
        """Call `fit` with usual arguments, but for those that are given."""
        usual = {
            "model": self.model,
            "data": (self.x, self.labels),
            "loss": self.loss,
            "optimizer": self.optimizer,
            "batch_size": 4,
            "progress": False,
            "warn": False,
        }
        given = usual | changed
        fit(given.pop("model"), given.pop("data"), **given)
