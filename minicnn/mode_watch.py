"""Sees evaluations that were made with training=True.

In training, a backward pass follows each forward pass. A forward pass in training mode without one, or on many times
more examples than a step has, is most likely an evaluation, and a wrong one: dropout silences units, batch norm uses
the statistics of just these examples and mixes them into its running averages.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .layers.batchnorm import BatchNorm
from .layers.dropout import Dropout
from .layers.layer import Layer
from .training_warning import tell

MANY = 4  # times the largest batch that was trained on
ALIKE = 0.1  # of the largest number: the same example, perhaps a little changed to measure a derivative


class ModeWatch:
    """One model's forward passes in training mode, and whether a backward pass followed."""

    def __init__(self):
        self.trained = 0  # examples of the largest batch with a backward pass
        self.waiting = 0  # examples of the last forward pass, as long as no backward pass has followed
        self.first_example: np.ndarray | None = None
        self.silent = False

    def begin_training(self, batch_size: int, warn: bool) -> None:
        """A run begins whose batches are for training, however large; without `warn` this model is not spoken of."""
        self.trained, self.waiting = max(self.trained, batch_size), 0
        self.silent = self.silent or not warn

    def forward(self, x: np.ndarray, layers: Mapping[str, Layer]) -> None:
        """Before a forward pass in training mode on x."""
        if not self.silent:
            other = self.waiting and not self._is_the_last(x)
            many = self.trained and len(x) > MANY * self.trained
            if other or many:
                self._tell(self.waiting if other else len(x), layers)
        self.waiting, self.first_example = len(x), np.array(x[0])

    def backward(self) -> None:
        """A backward pass has followed."""
        self.trained, self.waiting = max(self.trained, self.waiting), 0

    def _is_the_last(self, x: np.ndarray) -> bool:
        """Whether it is the last batch once more, as for a numeric derivative, or for a mean over dropout masks."""
        then, now = self.first_example, x[0]
        return len(x) == self.waiting and bool(np.abs(now - then).max() <= ALIKE * np.abs(then).max())

    def _tell(self, examples: int, layers: Mapping[str, Layer]) -> None:
        norms = [name for name, layer in layers.items() if isinstance(layer, BatchNorm)]
        dropouts = [name for name, layer in layers.items() if isinstance(layer, Dropout) and layer.rate]
        effects = [f"{name} silences units at random" for name in dropouts[:1]]
        effects += [f"{name} takes mean and variance of just these examples, and remembers them" for name in norms[:1]]
        if not effects:
            return
        self.silent = True
        beside = f", where steps have taken up to {self.trained}" if self.trained else ""
        tell(
            "evaluation-in-training-mode",
            f"a forward pass with training=True took {examples:,} examples{beside}, and it looks as if no backward "
            f"pass belongs to it. An evaluation is spoilt by that: {'; '.join(effects)}. For one, use "
            "model.evaluate((x, labels), loss) or model.predict(x).",
        )
