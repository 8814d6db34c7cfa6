"""Stopping at a loss that is not finite."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .callback import Callback

if TYPE_CHECKING:
    from ..training import Run


class StopOnNaN(Callback):
    """Stop when the loss of a batch is not finite, before the step, and say where the first such number was.

    The model keeps the parameters that led there. `fit(..., check_finite=True)` looks at the backward pass and the
    parameters too, at every step, and raises instead of stopping.

    Examples
    --------
    >>> import minicnn as mc
    >>> images, labels = mc.datasets.load("digits").train
    >>> images[5, 3, 3] = np.nan
    >>> model = mc.Sequential([mc.Flatten(), mc.Dense(10)], input_shape=(8, 8, 1))
    >>> how = {"loss": mc.SoftmaxCrossEntropy(), "optimizer": mc.SGD(0.1), "callbacks": [mc.callbacks.StopOnNaN()]}
    >>> mc.fit(model, (images, labels), **how).stop_reason.partition(",")[0]
    'NaN in the examples of data (1 of 2'
    """

    def on_train_begin(self, run: Run) -> None:
        """Note from where the parameters start."""
        from .. import finite  # here, because it loads this file

        self.largest_at_start = finite.largest_parameters(run)

    def on_loss(self, run: Run) -> None:
        """Look at the batch's loss."""
        if math.isfinite(run.batch_loss):
            return
        from .. import finite

        error = finite.find_nonfinite(run, self.largest_at_start)
        run.stop, run.stop_reason = True, f"{error.what}. Likely cause: {error.cause}"
