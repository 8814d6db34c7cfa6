"""Saving the model while it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..arguments import checked_path
from .best_so_far import BestSoFar
from .callback import Callback

if TYPE_CHECKING:
    from ..training import Run


class Checkpoint(Callback):
    """Save the model after each epoch, see `minicnn.checkpoint`.

    Parameters
    ----------
    path : str or Path
        Where to; "{epoch}" in it becomes the number of epochs done, "{epoch:03d}" with leading zeros. Without it, each
        save replaces the one before.
    monitor : {None, "loss", "accuracy", "val_loss", "val_accuracy"}
        Save only when this value is the best so far; None saves every epoch.

    Examples
    --------
    >>> import minicnn as mc
    >>> from minicnn.callbacks import Checkpoint
    >>> model = mc.Sequential([mc.Flatten(), mc.Dense(10)], input_shape=(8, 8, 1))
    >>> how = {"loss": mc.SoftmaxCrossEntropy(), "optimizer": mc.SGD(0.1), "callbacks": [Checkpoint("e{epoch}.npz")]}
    >>> history = mc.fit(model, mc.datasets.load("digits").train, epochs=2, **how)
    >>> mc.load("e2.npz")
    Sequential([Flatten(), Dense(10)], input_shape=(8, 8, 1), seed=0, dtype='float32')
    """

    def __init__(self, path: str | Path, monitor: str | None = None):
        self.path, self.monitor = checked_path("Checkpoint", path), monitor
        try:
            self.path.format(epoch=1)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f'Checkpoint knows only "{{epoch}}" in its path, got {self.path!r}.') from error
        if monitor is not None:
            BestSoFar("Checkpoint", monitor)

    def on_train_begin(self, run: Run) -> None:
        """Forget an earlier training."""
        self.best = None if self.monitor is None else BestSoFar("Checkpoint", self.monitor)
        if self.best is not None:
            self.best.check(run)

    def on_epoch_end(self, run: Run) -> None:
        """Save the model."""
        from .. import checkpoint  # here, because it loads the layers and their kernels

        if self.best is None or self.best.improved(run):
            checkpoint.save(run.model, self.path.format(epoch=run.epoch + 1))

    def get_state(self) -> dict:
        """The best value."""
        return {} if self.best is None else {"best": self.best.value}

    def set_state(self, state: dict, run: Run) -> None:
        """Go on from the best of an earlier program."""
        if self.best is not None:
            self.best.value = state["best"]
